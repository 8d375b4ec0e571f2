import { type ComponentType, type ContainerNode, h, render } from "preact";
import { NoticeError } from "../base/errors.js";

/**
 * Shows a component in an element of a page that has no Preact of its own. Given again, with other properties, it
 * changes what is shown.
 *
 * @example mount(document.querySelector("#map"), HeadMap, { map: scoreMap(scores) });
 */
export function mount<Props extends object>(
  element: ContainerNode | null,
  component: ComponentType<Props>,
  props: Props,
): void {
  if (!element)
    throw new NoticeError("options", "There is no such element to show something in; give one of the page.");
  render(h(component, props), element);
}
