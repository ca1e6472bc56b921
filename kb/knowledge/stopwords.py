"""Words that say nothing about what is looked for, by language."""

from __future__ import annotations

from kb.knowledge.folding import FoldedText

_BY_LANGUAGE: dict[str, str] = {
    "en": "a an the of for in on at to from with without and or not no but is are was were be been being do does did done can could may might must shall should will would i we you he she it they me us them my our your his her its their this that these those there here which what who whom whose where when why how if than then so such as by about into over under between within per each any all some most more less least many much few other another only also just like very too both either neither nor yet still again please hi hello thanks thank dear am im ive id have has had having get got need needs needed want wants wanted look looking search searching find finding found seek seeking give show tell know think help use used using want let lets ok vs etc eg ie up out off down via one two three same new good better best great large big huge small smaller larger suitable available different various several enough around about whether because since while during after before until per among across",
    "de": "der die das den dem des ein eine einen einem einer und oder mit ohne fur von vom zu zum zur im in am an auf aus bei nach uber unter nicht kein keine keinen als wie ist sind war werden wird wir ich sie es gibt suche suchen brauche brauchen mochte moglichst mindestens hochstens auch nur noch datensatz datensatze bilder aufnahmen daten",
    "fr": "le la les l un une des du de d et ou avec sans pour par sur sous dans en au aux ce cette ces qui que quoi est sont pas ne plus moins je nous vous il elle ils cherche cherchons recherche besoin jeu jeux donnees images base bases",
    "es": "el la los las un una unos unas de del y o con sin para por sobre en al que es son no mas menos yo nosotros busco buscamos necesito necesitamos conjunto conjuntos datos imagenes base bases como",
    "it": "il lo la i gli le un uno una di del della dello dei delle degli e o con senza per su in al alla che sono non piu meno cerco cerchiamo serve servono dataset dati immagini insieme raccolta come da dal",
    "pt": "o a um uma de do da dos das e ou com sem para por em na nos nas ao que sao nao mais menos eu procuro procuramos preciso precisamos conjunto conjuntos dados imagens como",
    "nl": "de het een en of met zonder voor van naar in op aan uit bij is zijn was niet geen ik wij zoek zoeken nodig gegevens beelden afbeeldingen opnamen",
}
STOPWORDS: frozenset[str] = frozenset(word for text in _BY_LANGUAGE.values() for word in text.split())
#: Words of the trade that every entry could be described with.
_TRADE = """
    dataset datasets data set sets database databases collection collections corpus archive
    repository image images imaging picture pictures photo photos scan scans sample samples case
    cases study studies source sources pretraining pretrain pre train training transfer learning
    finetune finetuning fine tune tuning model models network task target domain benchmark challenge
    machine deep ai public medical clinical patients patient people human humans project phd thesis
    paper something anything similar close related relevant ideally preferably preferred possible
    prefer nice have kind type types any version original hosted pics pic info suggest suggestion
    suggestions anywhere colleague colleagues closest closer recommend recommendation
    recommendations advice fit fits lab modality modalities
    データセット データ 画像 数据集 数据 图像 图片 影像 資料集
"""
FILLERS: frozenset[str] = frozenset(_TRADE.split())
_ONLY: dict[str, frozenset[str]] = {
    language: frozenset(
        word
        for word in text.split()
        if sum(word in other.split() for other in _BY_LANGUAGE.values()) == 1 and len(word) > 1
    )
    for language, text in _BY_LANGUAGE.items()
}


def languages_of(text: FoldedText) -> frozenset[str]:
    """Languages, English apart, of which the text has small words."""
    found = {token.text for token in text.tokens()}
    return frozenset(
        language
        for language, text_words in _BY_LANGUAGE.items()
        if language != "en" and (found & _ONLY[language] or len(found & set(text_words.split())) >= 2)
    ) | {"zh", "ja"}
