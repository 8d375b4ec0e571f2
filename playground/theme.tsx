import type { VNode } from "preact";
import { useState } from "preact/hooks";

const THEMES = { system: "as the system", light: "light", dark: "dark" } as const;
type Theme = keyof typeof THEMES;

const KEY = "vlm-notice-theme";

/** Light or dark; kept where the browser keeps anything. */
export function ThemeSwitch(): VNode {
  const [theme, setTheme] = useState(kept);
  const take = (next: Theme) => {
    setTheme(next);
    show(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {} // A browser that keeps nothing begins as the system says.
  };
  return (
    <label>
      Theme{" "}
      <select value={theme} onChange={({ currentTarget }) => take(currentTarget.value as Theme)}>
        {Object.entries(THEMES).map(([name, says]) => (
          <option value={name}>{says}</option>
        ))}
      </select>
    </label>
  );
}

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return found !== null && Object.hasOwn(THEMES, found) ? (found as Theme) : "system";
  } catch {
    return "system";
  }
}

function show(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset.theme;
  else dataset.theme = theme;
}

/** Before anything is shown. */
export const showKeptTheme = () => show(kept());
