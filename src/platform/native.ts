import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { FUSED_LINEAR, FUSED_NORM, FUSED_SOFTMAX } from "./fused.js";
import { largestDifference, TOLERANCE } from "./self-check.js";

// Fused kernels of TensorFlow, which tfjs-node does not call: oneDNN's product adds the bias and computes GELU while a
// part of the result is in the processor's cache, and its LayerNorm takes one step instead of eight (docs/performance.md).

/** What is used of tfjs-node's backend. Its kernels give tensors. */
interface NativeBackend extends tf.KernelBackend {
  readonly binding: Readonly<Record<"TF_ATTR_TYPE" | "TF_ATTR_FLOAT" | "TF_ATTR_STRING" | "TF_FLOAT", number>>;
  executeSingleOutput(op: string, attributes: readonly Attribute[], inputs: readonly tf.TensorInfo[]): tf.TensorInfo;
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(
    session: number,
    inputs: readonly tf.TensorInfo[],
    places: readonly { readonly name: string }[],
    outputs: readonly string[],
  ): [tf.TensorInfo];
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: string | number;
}

const TENSORFLOW = "tensorflow";
const TAG = "serve";
/** The output of the graph, without GELU and with it. */
const OUTPUTS = { plain: "linear", gelu: "linear_gelu" } as const;
const PLACES = ["a", "b", "bias"];
/** The label of oneDNN's kernels that stand in for TensorFlow's own. */
const STANDS_IN = "MklNameChangeOp";

/** Kernels of one operation each. */
const OPERATIONS = {
  [FUSED_NORM]: { op: "_MklLayerNorm", label: "", inputs: ["x", "weight", "bias"] },
  [FUSED_SOFTMAX]: { op: "_MklSoftmax", label: STANDS_IN, inputs: ["x"] },
};

/**
 * Registers the fused kernels of the native backend, which is then in use, if its TensorFlow has what they call (2.15 for
 * Linux on x86-64 has), and computes the same as the steps that they stand for.
 */
export async function registerFused(): Promise<void> {
  if (tf.getKernel(FUSED_LINEAR, TENSORFLOW)) return;
  try {
    await tf.setBackend(TENSORFLOW);
    const backend = tf.backend() as NativeBackend;
    tf.registerKernel(linearKernel(await openGraph(backend)));
    for (const [name, operation] of Object.entries(OPERATIONS)) tf.registerKernel(kernelOf(name, operation));
    if (differs()) unregister();
  } catch {
    unregister();
  }
}

function unregister(): void {
  for (const name of [FUSED_LINEAR, ...Object.keys(OPERATIONS)])
    if (tf.getKernel(name, TENSORFLOW)) tf.unregisterKernel(name, TENSORFLOW);
}

/** In a graph, because the names of what is fused are a list, which tfjs-node gives to no single operation. */
async function openGraph(backend: NativeBackend): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "notice-graph-"));
  try {
    await writeFile(join(folder, "saved_model.pbtxt"), graphText());
    return backend.loadSavedModelMetaGraph(folder, TAG);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A SavedModel of both outputs, as protocol buffer text. */
function graphText(): string {
  const node = (name: string, op: string, inputs: readonly string[], attributes: Record<string, string>) => {
    const given = inputs.map((input) => `input: "${input}"`).join(" ");
    const described = Object.entries(attributes).map(([key, value]) => `attr { key: "${key}" value { ${value} } }`);
    return `node { name: "${name}" op: "${op}" ${given} ${described.join(" ")} }`;
  };
  const place = (name: string) =>
    node(name, "Placeholder", [], { dtype: "type: DT_FLOAT", shape: "shape { unknown_rank: true }" });
  const product = (name: string, ...fused: string[]) =>
    node(name, "_MklNativeFusedMatMul", PLACES, {
      ...{ T: "type: DT_FLOAT", transpose_a: "b: false", transpose_b: "b: false", num_args: "i: 1" },
      fused_ops: `list { ${fused.map((op) => `s: "${op}"`).join(" ")} }`,
      _kernel: `s: "${STANDS_IN}"`,
    });
  const nodes = [
    ...PLACES.map(place),
    product(OUTPUTS.plain, "BiasAdd"),
    product(OUTPUTS.gelu, "BiasAdd", "GeluExact"),
  ];
  const graph = `graph_def { ${nodes.join("\n")} versions { producer: 1395 } }`; // of TensorFlow 2.12
  return `saved_model_schema_version: 1 meta_graphs { meta_info_def { tags: "${TAG}" } ${graph} }`;
}

function linearKernel(session: number): tf.KernelConfig {
  const places = PLACES.map((name) => ({ name: `${name}:0` }));
  return {
    kernelName: FUSED_LINEAR,
    backendName: TENSORFLOW,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { a, b, bias } = inputs as Record<string, tf.TensorInfo>;
      const output = attrs?.gelu ? OUTPUTS.gelu : OUTPUTS.plain;
      return (backend as NativeBackend).runSavedModel(session, [a!, b!, bias!], places, [`${output}:0`])[0];
    },
  };
}

/** A kernel of one of oneDNN's operations on float32. @param label under which its kernel is registered. */
function kernelOf(
  kernelName: string,
  { op, label, inputs: names }: { readonly op: string; readonly label: string; readonly inputs: readonly string[] },
): tf.KernelConfig {
  return {
    kernelName,
    backendName: TENSORFLOW,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { binding } = backend as NativeBackend;
      const attributes: Attribute[] = [
        { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: "_kernel", type: binding.TF_ATTR_STRING, value: label },
      ];
      for (const [name, value] of Object.entries(attrs ?? {}))
        attributes.push({ name, type: binding.TF_ATTR_FLOAT, value: value as number });
      return (backend as NativeBackend).executeSingleOutput(
        op,
        attributes,
        names.map((name) => inputs[name]!),
      );
    },
  };
}

/** Whether the kernels compute anything else than the steps that they stand for. */
function differs(): boolean {
  const [fused, steps] = tf.tidy(() => {
    const random = (shape: number[], seed: number) => tf.randomUniform(shape, -1, 1, "float32", seed);
    const [a, b] = [random([24, 64], 1) as tf.Tensor2D, random([64, 48], 2) as tf.Tensor2D];
    const [bias, weight] = [random([48], 3), random([48], 4)];
    const run = (name: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap) =>
      tf.engine().runKernel(name, inputs, attributes) as tf.Tensor;
    const linear = tf.add(tf.matMul(a, b), bias);
    const gelu = tf.mul(tf.mul(linear, 0.5), tf.add(1, tf.erf(tf.mul(linear, Math.SQRT1_2))));
    const { mean, variance } = tf.moments(linear, -1, true);
    const norm = tf.add(tf.mul(tf.mul(tf.sub(linear, mean), tf.rsqrt(tf.add(variance, 1e-5))), weight), bias);
    return [
      [
        run(FUSED_LINEAR, { a, b, bias }, { gelu: false }),
        run(FUSED_LINEAR, { a, b, bias }, { gelu: true }),
        run(FUSED_NORM, { x: linear, weight, bias }, { epsilon: 1e-5 }),
        run(FUSED_SOFTMAX, { x: linear }, {}),
      ],
      [linear, gelu, norm, tf.softmax(linear)],
    ].map((values) => tf.stack(values).dataSync());
  }) as unknown as [Float32Array, Float32Array];
  return !(largestDifference(fused, steps) <= TOLERANCE); // nor NaN
}
