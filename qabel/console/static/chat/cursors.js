// @ts-check
// Cursors of messages: two numbers, which say what comes before what.

const LAST = 999_999_999_999_999;

/** Return less than, equal to, or greater than 0. @param {string} one @param {string} other */
export function compare(one, other) {
  const [a, b] = one.split("-");
  const [c, d] = other.split("-");
  return Number(a) - Number(c) || Number(b) - Number(d);
}

/** Return a cursor that lies directly before another. @param {string} cursor */
export function before(cursor) {
  const [seq, part] = cursor.split("-").map(Number);
  if (part > 0) return `${seq}-${part - 1}`;
  return seq > 0 ? `${seq - 1}-${LAST}` : "0-0";
}
