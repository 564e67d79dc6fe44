// Where the keyboard is once the view has changed: at its heading, which may come only with the first answer.

/** Returns what ends it; it ends by itself once the view has its answer, or the user has gone elsewhere. */
export function focusHeading(main: HTMLElement): () => void {
  const follow = new MutationObserver(() => look());
  const look = () => {
    const heading = main.querySelector<HTMLElement>("h1");
    const { activeElement } = document;
    if (activeElement === main || activeElement === document.body) heading?.focus({ preventScroll: true });
    const isElsewhere = activeElement !== heading && activeElement !== main && activeElement !== document.body;
    if (isElsewhere || (heading && !main.querySelector("[aria-busy=true]"))) follow.disconnect();
  };
  follow.observe(main, { childList: true, subtree: true });
  main.focus({ preventScroll: true });
  look();
  return () => follow.disconnect();
}
