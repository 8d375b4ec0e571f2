import { type ComponentType, type ContainerNode, h, render } from "preact";
import { checkObject, NoticeError } from "../base/errors.js";

/**
 * Shows a component in an element of a page that has no Preact of its own. Given again, with other properties, it
 * changes what is shown.
 *
 * @throws NoticeError `options` where there is no such element.
 * @example mount(document.querySelector("#map"), HeadMap, { map: scoreMap(scores) });
 */
export function mount<Props extends object>(
  element: ContainerNode | null,
  component: ComponentType<Props>,
  props: NoInfer<Props>,
): void {
  checkObject("The element of mount", element, 'document.querySelector("#map"), once the page has it');
  if (typeof component !== "function")
    throw new NoticeError("options", "mount shows a component, a function such as HeadMap; none is given.");
  render(h(component, props), element!);
}
