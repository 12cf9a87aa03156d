/** What may be wider than the window: it is moved with a pointer, or with arrow keys. */
export function Scroll({ label, kind = "", children }) {
  return (
    <div class={`scroll ${kind}`} tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
