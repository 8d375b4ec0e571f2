/** The folders of FER and the adjective of each. */
export const expressions = {
  angry: "angry",
  disgust: "disgusted",
  fear: "fearful",
  happy: "happy",
  neutral: "neutral",
  sad: "sad",
  surprise: "surprised",
} as const;

/** Other names that folders have, in small letters. */
export const synonyms: Readonly<Record<string, (typeof expressions)[keyof typeof expressions]>> = {
  anger: "angry",
  disgusted: "disgusted",
  fearful: "fearful",
  happiness: "happy",
  neutrality: "neutral",
  sadness: "sad",
  surprised: "surprised",
};

const list = (words: string) => words.split(" ");

/**
 * Adjectives of feeling by sentiment, as NOTICE has them (github:wrudman/NOTICE,
 * `preprocessing/3_select_final_samples_facial_expressions.ipynb`); what counts as neutral there is pleasant here, so
 * that every adjective has an opposite and being opposite goes both ways.
 */
export const sentiments = {
  pleasant: list(
    "happy neutral surprised amused apathetic awed bored calm confident confused content curious disoriented distracted giggly grateful " +
      "hopeful impressed pleased puzzled relaxed relieved restless satisfied shocked shy sincere startled sympathetic thoughtful",
  ),
  unpleasant: list(
    "angry disgusted fearful sad ashamed embarrassed envious flustered grumpy guilty horrified humiliated insecure jealous lonely nostalgic " +
      "overwhelmed scornful stressed uncomfortable",
  ),
};
