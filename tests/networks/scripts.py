"""Small data in many scripts: two classes that differ in two characters."""

import random

__all__ = ["SCRIPTS", "make_texts"]

# Characters that both classes share, and a character of each class.
SCRIPTS = {
    "chinese": ("这部电影的人物和故事都在城市里发生", "好", "坏"),
    "cyrillic": ("этотфильмимеетсюжет", "щ", "ю"),
    "greek": ("ταινίααυτήέχει", "ξ", "ψ"),
    "arabic": ("هذاالفيلممنقصة", "ج", "س"),
    "hebrew": ("הסרטהזהעםסיפור", "ט", "צ"),
    "hindi": ("यहफिल्मकीकहानी", "अ", "ब"),
    "thai": ("ภาพยนตร์เรื่องนี้", "ด", "ล"),
    "korean": ("이영화는이야기가있다", "좋", "나"),
    "japanese": ("この映画はものがたり", "良", "悪"),
    "emoji": ("😀😁😂🤣😃😄😅😆", "👍", "👎"),
    "accented": ("éèàùçäöüßñåøœ", "ê", "î"),
}


def make_texts(script, n_texts=40):
    """Return texts of 8 to 14 characters, two of them of the class, and labels."""
    shared, *of_class = SCRIPTS[script]
    rng = random.Random(0)
    texts, labels = [], []
    for index in range(n_texts):
        characters = rng.choices(shared, k=rng.randint(6, 12))
        for _ in range(2):
            characters.insert(rng.randrange(len(characters)), of_class[index % 2])
        texts.append("".join(characters))
        labels.append(index % 2)
    return texts, labels
