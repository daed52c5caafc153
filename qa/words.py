"""Words that say too little by themselves to be searched for or compared."""

STOP_WORDS = frozenset([
    "a", "about", "according", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "before",
    "being", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "for", "from", "give", "given", "had",
    "has", "have", "having", "he", "her", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its",
    "itself", "just", "like", "many", "me", "might", "more", "most", "much", "must", "my", "no", "nor", "not", "of",
    "off", "on", "one", "only", "or", "other", "our", "out", "over", "own", "s", "same", "say", "says", "said", "she",
    "should", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "through", "to", "too", "under", "until", "up", "us", "very", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
])  # fmt: skip
