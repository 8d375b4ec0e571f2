// `using` and the library itself need the symbol, which not every browser has yet.
(Symbol as { dispose?: symbol }).dispose ??= Symbol("Symbol.dispose");
