/** Where a broker keeps what outlives it: a directory, or a Redis server. */

/** Where the lines of one record log lie. All of it rejects with what file system or server say. */
export interface RecordPlace {
  /** All that is there, in pieces of any length; nothing where nothing was ever written. */
  read(): AsyncIterable<string>;
  /** Adds at the end. Resolves when this process may end; where `lasting`, when the machine may. */
  append(text: string, lasting: boolean): Promise<void>;
  /** Puts these pieces in place of all that is there: as a whole, or not at all. Resolves with their bytes. */
  replace(pieces: Iterable<string>): Promise<number>;
  /** `rewrite` is called when all that was written here is gone, though the place goes on, until it resolves. */
  whenForgotten(rewrite: () => Promise<void>): void;
  /** Nothing may be written after this. */
  close(): Promise<void>;
}

/**
 * How sure this broker can be that no other one has taken over what it keeps: `doubtful` when it has not been able to ask
 * for so long that another one may have, `lost` when another one has.
 */
export type Hold = 'certain' | 'doubtful' | 'lost';

/** What is told about a storage that brokers hand on to each other; a directory has none of it to tell. */
export interface StorageWatch {
  /** Aborted when nobody wants it any more, while another one has it. */
  readonly signal: AbortSignal;
  /** Another one has it and is waited for; told again when it is another one. */
  readonly onWait: (holder: string) => void;
  /** While waiting: it cannot be asked, and undefined when it can again. */
  readonly onTrouble: (error: Error | undefined) => void;
  /** Certain at first; told at each change, and never again after `lost`. */
  readonly onHold: (hold: Hold) => void;
}

/** Held by one broker at a time. */
export interface Storage {
  place(name: string): RecordPlace;
  /** Another broker can take it over while this one lives. */
  readonly isShared: boolean;
  /** Resolves when no other broker had taken over at some instant after the call; rejects when that is not known. */
  confirm(): Promise<void>;
  /** Gives it back; the places are closed by then. */
  release(): Promise<void>;
}

/** Something with a state that is kept in one place. */
export interface Kept {
  /** Takes up what is there, and keeps everything there from now on; returns the number of damaged lines. */
  open(place: RecordPlace, onTrouble: (error: Error) => void): Promise<number>;
  /** What changes after this is not written any more. */
  close(): Promise<void>;
}

/** Opens all of them, each in the place of its name; `onTrouble` is told what is damaged, or cannot be written later. */
export async function openAll(
  storage: Storage,
  kept: Readonly<Record<string, Kept>>,
  onTrouble: (detail: string) => void,
): Promise<void> {
  for (const [name, one] of Object.entries(kept)) {
    const damaged = await one.open(storage.place(name), ({ message }) => onTrouble(`${name}: ${message}`));
    if (damaged > 0) onTrouble(`${name}: ${damaged} damaged lines are left out`);
  }
}
