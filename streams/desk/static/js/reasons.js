// Why a reply is sent, drafted or handed over, in words.
export const REASONS = {
  answered: "answered",
  no_evidence: "nothing to draw from",
  weak_evidence: "weak evidence",
  unsure_intent: "unsure what is asked",
  unsupported: "claims without evidence",
  topic_not_allowed: "topic needs a person",
  angry: "angry",
  legal: "legal matter",
  safety: "safety",
  asks_for_person: "asks for a person",
  repeated: "asked again",
  language: "another language",
  out_of_hours: "out of hours",
  taken_over: "a person has it",
  overload: "too many at once",
  generator_failed: "the generator failed",
  not_a_question: "no question",
  praise: "praise",
  complaint: "a complaint",
  loop: "going in circles",
};

/** With a capital, as a sentence begins. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
