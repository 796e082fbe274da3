/** Topics and the filters that match them: MQTT 3.1.1 section 4.7. */

/** A filter as section 4.7.1 wants it: `+` fills a level, `#` the last one. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || filter.includes('\0')) return false;
  const levels = filter.split('/');
  return levels.every(
    (level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level),
  );
}

export function levelsOf(topic: string): number {
  return topic.split('/').length;
}

/** True when the topic (or filter) is the prefix, or begins with its levels; everything begins with none. */
export function liesBelow(topic: string, prefix: string): boolean {
  return prefix === '' || topic === prefix || (topic.startsWith(prefix) && topic[prefix.length] === '/');
}

/** True when some topic is matched by both filters. What begins with `$` is left out of account. */
export function filtersOverlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  for (let level = 0; ; level++) {
    const [left, right] = [a[level], b[level]];
    if (left === '#' || right === '#') return true; // it also matches its parent, at which the other may have ended
    if (left === undefined || right === undefined) {
      return (left ?? right) === undefined;
    }
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
}

/** Does a subscription match a topic? Without allocating. */
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
