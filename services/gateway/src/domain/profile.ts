/** What an event's variant depends on besides the view. Sessions with equal profiles share one object. */
export interface Profile {
  readonly isBot: boolean;
  /** Bits of the intents; -1 (all) for people. */
  readonly intents: number;
  /** Gets message content whoever wrote it. */
  readonly seesContent: boolean;
}

/** Keeps one object for each profile in use. */
export interface Profiles {
  intern(profile: Profile): Profile;
}

// A bot may choose any of 2^21 intents: beyond this many different ones, profiles are no longer shared.
const maxShared = 4_096;

/** Makes an empty set of profiles. */
export function makeProfiles(): Profiles {
  const known = new Map<string, Profile>();
  return {
    intern(profile) {
      const key = `${profile.isBot} ${profile.intents} ${profile.seesContent}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const made = Object.freeze({ ...profile });
      if (known.size < maxShared) known.set(key, made);
      return made;
    },
  };
}
