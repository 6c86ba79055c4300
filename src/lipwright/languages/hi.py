"""Hindi."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Hindi",
    voice="hi",
    sample=(
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें "
        "बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।"
    ),
    visemes={
        "PP": "b bʰ m p pʰ",
        "FF": "f ʋ",
        "DD": "d dʰ r. t tʰ ɖ ɖʰ ɾ ʈ ʈʰ",
        "kk": "h k kʰ q x ŋ ɡ ɡʰ ɣ",
        "CH": "c cʰ ɟ ɟʰ ʂ ʃ",
        "SS": "s z",
        "nn": "l n ɲ ɳ",
        "aa": "a aɪ aː ã æː ʌ ʌ̃",
        "E": "eː ə ɛ ɛː ɛ̃ ẽ",
        "ih": "i iː j ĩ ɪ ɪ̃",
        "oh": "oː õ ɔ ɔː ɔ̃",
        "ou": "u uː w ũ ʊ ʊ̃",
    },
    spelling={"c": "tɕ", "cʰ": "tɕʰ", "ɟ": "dʑ", "ɟʰ": "dʑʰ"},
    notes=(
        "p b m close the lips with and without breath (pʰ bʰ). ʋ stands between v and w: the lower lip only "
        "nears the teeth. What espeak-ng writes c and ɟ is made behind the teeth ridge, as tɕ and dʑ. Long "
        "and short vowels are told apart."
    ),
)
