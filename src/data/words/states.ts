/** An adjective of MIT-States, and the adjectives of its group that may not stand against it. */
interface State {
  /** Nearly the same: neither its alternative nor its replacement. */
  readonly similar: readonly string[];
  /** A thing may be both: not its alternative. */
  readonly compatible: readonly string[];
}

const state = (similar = "", compatible = ""): State => ({
  similar: similar.split(" ").filter(Boolean),
  compatible: compatible.split(" ").filter(Boolean),
});

/**
 * The states by group, with their near-synonyms: those of NOTICE (github:wrudman/NOTICE,
 * `preprocessing/1_preprocessing_mit_states.ipynb`), without the words that are no states of MIT-States. Added, as what
 * `notice scenes` writes: eight colours, four textures, big and whole; and with these that a broken thing may be small
 * or big.
 */
export const states: Readonly<Record<"colour" | "shape" | "texture", Readonly<Record<string, State>>>> = {
  colour: {
    ancient: state("old weathered rusty"),
    bright: state(),
    burnt: state(),
    caramelized: state(),
    clean: state("new fresh"),
    dark: state(),
    dry: state(),
    engraved: state(),
    fresh: state("clean new"),
    frozen: state(),
    moldy: state(),
    muddy: state(),
    new: state("fresh clean"),
    old: state("ancient weathered rusty"),
    painted: state(),
    rusty: state("ancient weathered old"),
    thawed: state(),
    unpainted: state(),
    verdant: state(),
    weathered: state("rusty ancient old"),
    wet: state(),
    red: state(),
    orange: state(),
    yellow: state(),
    green: state(),
    blue: state(),
    purple: state(),
    white: state(),
    black: state(),
  },
  shape: {
    broken: state("cracked chipped shattered", "small big"),
    chipped: state("broken cracked shattered"),
    coiled: state(),
    cracked: state("broken chipped shattered"),
    cut: state("torn"),
    dented: state(),
    diced: state("sliced"),
    draped: state(),
    empty: state(),
    folded: state(),
    huge: state("large thick big"),
    large: state("huge thick big"),
    melted: state(),
    pressed: state(),
    scratched: state("cracked chipped shattered broken"),
    shattered: state("broken cracked chipped"),
    sliced: state("diced"),
    small: state("tiny", "whole broken"),
    straight: state(),
    thick: state("large huge"),
    thin: state(),
    tiny: state("small"),
    torn: state("cut"),
    big: state("large huge", "whole broken"),
    whole: state("", "small big"),
  },
  texture: {
    barren: state("windblown"),
    brushed: state(),
    crinkled: state("crumpled wrinkled"),
    crumpled: state("wrinkled crinkled"),
    crushed: state("splintered"),
    eroded: state(),
    frayed: state("ruffled"),
    molten: state(),
    mossy: state(),
    pureed: state(),
    ruffled: state("frayed"),
    splintered: state("crushed"),
    windblown: state("barren"),
    wrinkled: state("crumpled crinkled"),
    plain: state(),
    striped: state(),
    dotted: state(),
    checkered: state(),
  },
};
