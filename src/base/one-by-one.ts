/** What does works one after the other, in the order in which they are given, also after one that fails. */
export function oneByOne(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const own = last.then(work);
    last = own.catch(() => {}); // whoever gave it is told
    return own;
  };
}
