/** Does a subscription match a topic? MQTT 3.1.1 section 4.7, without allocating. */
export function topicMatches(filter: string, topic: string): boolean {
  const first = filter[0];
  if (topic[0] === '$' && (first === '+' || first === '#')) return false;
  let f = 0;
  let t = 0;
  for (;;) {
    const filterEnd = levelEnd(filter, f);
    if (filter[f] === '#' && filterEnd === f + 1) return true;
    const topicEnd = levelEnd(topic, t);
    const anyLevel = filter[f] === '+' && filterEnd === f + 1;
    if (!anyLevel && !sameLevel(filter, f, filterEnd, topic, t, topicEnd)) return false;
    if (topicEnd === topic.length) {
      // "a/#" also matches its parent "a"
      return filterEnd === filter.length || (filter.endsWith('/#') && filterEnd === filter.length - 2);
    }
    if (filterEnd === filter.length) return false;
    f = filterEnd + 1;
    t = topicEnd + 1;
  }
}

function levelEnd(text: string, from: number): number {
  const slash = text.indexOf('/', from);
  return slash === -1 ? text.length : slash;
}

function sameLevel(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): boolean {
  const length = aEnd - aFrom;
  if (length !== bEnd - bFrom) return false;
  for (let index = 0; index < length; index++) {
    if (a.charCodeAt(aFrom + index) !== b.charCodeAt(bFrom + index)) return false;
  }
  return true;
}
