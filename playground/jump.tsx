import type { ComponentChildren, VNode } from "preact";

export interface JumpProps {
  /** Of a heading. */
  readonly to: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** Leads to a part of the page. Its address is no state: that stays as it is. */
export function Jump({ to, children, ...rest }: JumpProps): VNode {
  const go = (event: MouseEvent) => {
    event.preventDefault();
    const heading = document.getElementById(to);
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
    heading?.scrollIntoView();
  };
  return (
    <a href={`#${to}`} onClick={go} {...rest}>
      {children}
    </a>
  );
}
