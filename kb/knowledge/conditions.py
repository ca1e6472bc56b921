"""Conditions read from a query: numbers with units, years, form, labels, rights, access, population, weights.

Patterns work on folded text (`folding`). They cover English in full and the commonest turns of German, French,
Spanish, Italian, Chinese and Japanese. What has no comparing word ("300 images") is no condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from kb.knowledge.interpretation import Constraint, ConstraintKind

_SMALL = {
    name: value
    for value, names in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
    for name in (names,)
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12,
     "zwei": 2, "drei": 3, "funf": 5, "zehn": 10, "hundert": 100, "tausend": 1000, "zehntausend": 10_000,
     "deux": 2, "trois": 3, "cinq": 5, "dix": 10, "cent": 100, "cents": 100, "mille": 1000,
     "dos": 2, "tres": 3, "cinco": 5, "diez": 10, "cien": 100, "quinientos": 500, "quinientas": 500, "mil": 1000,
     "due": 2, "tre": 3, "cinque": 5, "dieci": 10, "cento": 100, "cinquecento": 500, "diecimila": 10_000}  # fmt: skip
_TIMES = {
    "hundred": 100, "hundreds": 100, "thousand": 1000, "thousands": 1000, "million": 10**6, "millions": 10**6, "k": 1000,
    "m": 10**6, "mio": 10**6, "mille": 1000, "mil": 1000, "mila": 1000, "tausend": 1000, "millionen": 10**6,
    "千": 1000, "万": 10_000, "萬": 10_000, "百": 100, "百万": 10**6,
}  # fmt: skip
_WORD_NUMBER = rf"(?:(?:{'|'.join(sorted({*_SMALL, 'a'}, key=len, reverse=True))})[\s-]+)*?(?:{'|'.join(sorted({*_SMALL, 'hundred', 'thousand', 'million'}, key=len, reverse=True))})(?:[\s-](?:hundred|thousand|million|tausend|mille|mil))*"
NUMBER = (
    r"(?:\d{1,3}(?:[,.'’ \u00a0]\d{3})+(?!\d)|\d+(?:[.,]\d+)?)(?:\s?(?:k|m|mio|million(?:s|en)?|thousand|hundred|tausend|mille|mila|mil|百万|千|万|萬|百)(?![a-z]))?"
    rf"|\b{_WORD_NUMBER}\b"
)
_MORE = r"(?:more|larger|bigger|greater|higher) th[ae]n|over|above|exceed(?:s|ing)?|(?:well )?(?:beyond|north of)|in excess of|mehr als|uber|grosser als|plus de|plus d['’]|mas de|piu di|oltre|superior a|超过|超過|大于|多于|>"
_LEAST = r"at (?:the )?(?:very )?least|at minimum|a minimum of|minimum of|minimum|min\.?|not? (?:fewer|less|smaller) th[ae]n|nothing (?:under|below|smaller th[ae]n)|upwards? of|starting (?:at|from)|mindestens|wenigstens|ab|au moins|minimum de|al menos|como minimo|minimo de|minimo|almeno|至少|不少于|最低|>=|≥|=>"
_LESS = r"(?:less|fewer|smaller|lower) th[ae]n|(?:well )?(?:under|below|south of)|short of|weniger als|unter|moins de|menos de|meno di|inferior a|少于|小于|不到|<"
_MOST = r"at (?:the )?(?:very )?most|no(?:t)? (?:more|larger|bigger|greater) th[ae]n|not (?:over|above|exceeding)|nothing (?:over|above)|up to|a maximum of|maximum of|maximum|max\.?|hochstens|maximal|bis zu|au plus|maximum de|como maximo|al massimo|最多|不超过|<=|≤|=<"
_MORE_AFTER = r"at the (?:very )?least|at a minimum|as a minimum|or more|or above|or larger|or bigger|or greater|and up|and above|and more|at minimum|minimum|at least|\+|plus|oder mehr|ou plus|o mas|o piu|以上"
_MOST_AFTER = r"at the (?:very )?most|at a maximum|or (?:fewer|less|under|below|smaller)|at most|maximum|max|oder weniger|ou moins|o menos|o meno|以下|以内"
_UNITS: dict[ConstraintKind, str] = {
    "patients": r"pat\w{0,2}[ie]nts?|paitents?|subjects?|people|persons?|participants?|individuals?|women|men|children|donors?|volunteers?|probanden|patient(?:en|innen)|personen|sujets?|personnes|pacientes?|personas|sujetos|pazient[ie]|soggetti|persone|名?患者|名|位|人|例患者|症例",
    "classes": r"class(?:es)?|categor(?:y|ies)|(?:[a-z]+ )?labels|diagnoses|organs?|structures?|(?:cell|tissue|lesion|tumou?r|disease|instrument) types?|findings|pathologies|diseases|klassen|kategorien|clases|categorias|classi|categorie|个类别|类别|类|クラス",
    "items": r"images?|pictures?|[pf]h?otos?|photographs?|pics?|scans?|slides?|volumes?|videos?|frames?|clips?|patches|tiles|slices|samples?|studies|exams?|examinations?|cases?|radiographs?|x-?rays?|b-scans?|items?|wsis?|bilder[n]?|aufnahmen|bild|falle|scans|schnitte|clichees?|cliches|radiographies|imagenes|muestras|casos|radiografias|immagini|campioni|casi|radiografie|张图像|张图片|张|幅|例|图像|图片|枚|画像|件",
}
_ANY_UNIT = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _UNITS.items())
_COMPARED = re.compile(
    rf"(?:(?:(?<!\w)|(?=[<>≤≥=]))(?P<before>{_MOST}|{_LEAST}|{_MORE}|{_LESS})\s*(?:about |around |etwa |environ )?)?"
    rf"(?P<n>{NUMBER})\s*(?P<after>{_MORE_AFTER}|{_MOST_AFTER})?"
    rf"(?:\s*(?:of |de |d['’]|di |von )?(?:(?!{_MORE_AFTER})[a-z-]+\s+){{0,3}}?(?<![a-z])(?:{_ANY_UNIT})(?![a-z]))?"
    rf"(?:\s*(?P<late>{_MORE_AFTER}|{_MOST_AFTER})(?!\w))?"
)
_BETWEEN = re.compile(
    rf"(?:between|zwischen|entre|tra)\s+(?P<low>{NUMBER})\s+(?:and|und|et|y|e)\s+(?P<high>{NUMBER})\s*(?:[a-z-]+\s+){{0,2}}?(?:{_ANY_UNIT})?(?![a-z])"
)
_RANGE = re.compile(
    rf"(?<![\w.,-])(?P<low>{NUMBER})\s*(?:-|–|to|bis|à)\s*(?P<high>{NUMBER})\s+(?:[a-z-]+\s+){{0,2}}?(?:{_ANY_UNIT})(?![a-z])"
)
#: The unit first: "#classes > 5", "images: 20k or more", "size: 10k-50k".
_LABELLED = re.compile(
    rf"(?:(?:number|no\.?|nb|n|#) ?(?:of )?)?(?<![a-z])(?:(?P<size>size)|{_ANY_UNIT})\s*(?:[:=]\s*)?(?:(?P<before>{_MOST}|{_LEAST}|{_MORE}|{_LESS}|between)\s*)?"
    rf"(?P<n>{NUMBER})(?:\s*(?:-|–|to|and)\s*(?P<high>{NUMBER}))?(?![\w-])\s*(?P<after>{_MORE_AFTER}|{_MOST_AFTER})?"
)
_YEAR = r"(?:19|20)\d\d"
_YEARS: tuple[tuple[re.Pattern[str], int, int], ...] = (
    (re.compile(rf"(?:between|from|zwischen|entre|tra|von|de|dal)\s+(?P<low>{_YEAR})\s*(?:and|to|until|-|–|und|bis|et|a|al|y|e)\s*(?P<high>{_YEAR})"), 0, 0),
    (re.compile(rf"\b(?:after|newer than|later than|more recent than|younger than|nach|apres|despues de|dopo(?: il)?)\s+(?:the year\s+)?(?P<low>{_YEAR})"), 1, 0),
    (re.compile(rf"\b(?:since|starting(?: in)?|(?:not|no|nothing|none) (?:older than|(?:from )?before|earlier than|prior to)|ab|seit|depuis|desde|dal|from)\s+(?P<low>{_YEAR})\b(?:\s+(?:on|onwards?|and later))?"), 0, 0),
    (re.compile(rf"\b(?P<low>{_YEAR})\s*(?:or (?:later|newer|after|more recent)|onwards?|and (?:later|newer|onwards?)|\+|oder (?:spater|neuer)|ou apres|o posterior(?:es)?|o successiv[io]|年?(?:及)?(?:以后|以後|之后|以降|以来))"), 0, 0),
    (re.compile(rf"\b(?:before|older than|prior to|earlier than|vor|avant|antes de|prima del)\s+(?:the year\s+)?(?P<high>{_YEAR})"), 0, -1),
    (re.compile(rf"\b(?:until|up to|till|no later than|not later than|by|not newer than|bis|jusqu['’]en|hasta|fino al)\s+(?P<high>{_YEAR})"), 0, 0),
    (re.compile(rf"\b(?P<high>{_YEAR})\s*(?:or (?:earlier|older|before)|and (?:earlier|older))"), 0, 0),
)  # fmt: skip
_YEARS += (
    (re.compile(rf"\bpost[- ]?(?P<low>{_YEAR})\b"), 1, 0),
    (re.compile(rf"\bpre[- ]?(?P<high>{_YEAR})\b"), 0, -1),
    (re.compile(rf"(?<![\w-])(?P<low>{_YEAR})\s*(?:-|–|to|until|bis)\s*(?P<high>{_YEAR})(?![\w-])"), 0, 0),
)
#: Years told from today: "in the last three years", "this decade".
_LAST_YEARS = re.compile(
    rf"\b(?:last|past|previous|letzten|dernieres|ultimos|ultimi) (?P<n>{NUMBER}) (?:years|jahren?|annees|anos|anni)\b"
)
_DECADE = re.compile(r"\b(?:this|the current) decade\b")
_SAME_YEAR = re.compile(
    rf"\b(?:published|released|erschienen|publies?|publicad[oa]s?)\s+(?:in|en|nel)\s+(?P<low>{_YEAR})"
)

_PERMISSION = r"licen[cs]|allow|permit|may\b|\bcan\b|\blet\b|erlaubt|darf|permet|permit|consent"


_LACKING = r"no|without(?: any)?|lacks?|lacking|missing|with no|free of|zero|not any"


@dataclass(frozen=True)
class Found:
    """A condition with its place in the folded text."""

    start: int
    end: int
    kind: ConstraintKind
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    negated: bool = False
    preferred: bool = False
    needs: str = field(default="", repr=False)

    def constraint(self, words: str, *, negated: bool, preferred: bool) -> Constraint:
        """The condition as it enters an interpretation; a number not above a limit is one below it."""
        minimum, maximum = self.minimum, self.maximum
        if negated and (minimum is None) != (maximum is None):
            negated = False
            minimum, maximum = (maximum + 1, None) if maximum is not None else (None, (minimum or 0) - 1)
        return Constraint(
            kind=self.kind,
            words=words,
            strength="preferred" if preferred or self.preferred else "required",
            negated=self.negated != negated,
            minimum=minimum,
            maximum=maximum,
            values=self.values,
        )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


#: Pattern, kind, values, negated, preferred, and a pattern that must stand somewhere in the same clause.
_FIXED: tuple[tuple[re.Pattern[str], ConstraintKind, tuple[str, ...], bool, bool, str], ...] = (
    (_pattern(r"\b(?:4\s?-?d|3d\s?\+\s?t|four[- ]dimensional|time[- ]resolved 3d)\b"), "dimension", ("3D+t",), False, False, ""),
    (_pattern(r"\b3\s?-?d\b(?![ -](?:u-?net|cnn|conv|resnet|res-net|network|model|vit|transformer|encoder|architecture|print))|\bthree[- ]dimensional\b|\bvolumetric\b|\bdreidimensional\w*|\btridimension\w+|三维|立体|3次元|三次元"), "dimension", ("3D", "3D+t"), False, False, ""),
    (_pattern(r"\b2\s?-?d\b(?![ -](?:u-?net|cnn|conv|resnet|network|model))|\btwo[- ]dimensional\b|\bzweidimensional\w*|\bbidimension\w+|二维|2次元"), "dimension", ("2D",), False, False, ""),
    (_pattern(r"\bvideos?\b|\bvideo (?:clips|sequences)\b|\bmovies?\b|\bfilme\b|视频|影片|動画|ビデオ"), "dimension", ("2D+t", "3D+t"), False, False, ""),
    (_pattern(r"\b(?:stills|still (?:images|frames))\b|\beinzelbilder\b"), "dimension", ("2D",), False, False, ""),
    (_pattern(rf"\b(?:{_LACKING})\s+(?:[a-z-]+\s+){{0,2}}?(?:labels?|annotations?|ground[- ]truth|masks|reference standard)\b(?: at all| whatsoever)?|\b(?:labels?|annotations?|masks)\s+(?:are\s+|is\s+)?(?:not (?:available|provided|included|released)|unavailable|missing|absent|withheld)\b|\b(?:raw|bare) (?:images|scans|slides|videos) only\b|\bnot (?:labell?ed|annotated)\b"), "labels", (), True, False, ""),
    (_pattern(rf"\b(?:{_LACKING}|not (?:needing|requiring|having)|skip\w*|avoid\w*|no need (?:for|to))\s+(?:[a-z-]+\s+){{0,3}}?(?:credential\w*|applications?|applying|approval|data use agreements?|dua|agreements?|contracts?|paperwork)(?:\s*(?:or|and|nor|/|,)\s*(?:credential\w*|applications?|applying|approval|agreements?|contracts?|paperwork|registration))*\b"), "access", ("credentialed", "application", "agreement", "closed"), True, False, ""),
    (_pattern(rf"\b(?:{_LACKING}|not (?:needing|requiring|having)|skip\w*|avoid\w*|no need (?:for|to))\s+(?:[a-z-]+\s+){{0,3}}?(?:sign(?:ing)?[- ]?ups?|regist\w+|log-?ins?|logging in|accounts?|passwords?)\b|\b(?:direct(?:ly)?|one[- ]click|immediate(?:ly)?|instant(?:ly)?) download\w*|\bdownload\w* (?:directly|right away|at once|immediately|straight away|freely)\b"), "access", ("open",), False, False, ""),
    (_pattern(r"\b(?:evidence|track record)\b[^.;?]{0,60}\b(?:transfer\w*|pre-?train\w*|sources?)\b|\b(?:transfer\w*|pre-?train\w*|sources?)\b[^.;?]{0,60}\b(?:evidence|track record)\b|\b(?:measured|published|reported|documented|benchmarked|tested|studied|evaluated|proven)\b[^.;?]{0,40}\b(?:transfer\w*|as (?:a |an )?(?:pre-?training )?sources?)\b|\btransfer\w*\b[^.;?]{0,30}\b(?:measured|published|documented|benchmarked|evaluated)\b"), "evidence", (), False, False, ""),
    (_pattern(r"\b(?:(?:pre-?)?trained|released|downloadable|ready[- ]made|off[- ]the[- ]shelf|existing|public) (?:network |model )?(?:weights?|checkpoints?|models?|networks?|backbones?|encoders?)\b|(?<!class )(?<!loss )(?<!birth )(?<!body )\b(?:weights|checkpoints)\b"), "weights", (), False, False, ""),
    (_pattern(r"\b(?:broken down|stratified|split|grouped|subgroups?) by (?:age|sex|gender)\b(?: (?:and|or) (?:age|sex|gender)\b)?"), "reports", ("sex", "age"), False, False, ""),
    (_pattern(r"\b(?:clips|image sequences|over time|time[- ]series|moving (?:pictures|images))\b|\b(?:secuencias|sequenze|sequences video|videosequenzen)\b"), "dimension", ("2D+t", "3D+t"), False, False, ""),
    (_pattern(r"\b(?:single|individual|static) (?:images|frames|pictures)\b"), "dimension", ("2D",), False, False, ""),
    (_pattern(r"\bcredential(?:ed|led|ing)\b(?: access)?"), "access", ("credentialed",), False, False, ""),
    (_pattern(r"\b(?:after|behind|with|needs?|requires?|requiring) (?:a |an )?(?:free )?(?:registration|sign[- ]?up)\b|\bregistration (?:required|needed|only)\b"), "access", ("registration",), False, False, ""),
    (_pattern(r"\b(?:on|by|upon|after|needs?|requires?|requiring) (?:a |an )?(?:formal )?(?:application|request form)\b|\bapplication (?:required|needed)\b"), "access", ("application",), False, False, ""),
    (_pattern(r"\b(?:unlabell?ed|un-?annotated|without (?:any )?(?:labels|annotations?)|no labels|label-free|unbeschriftet\w*|sans annotations?|sin (?:etiquetas|anotar)|senza etichette|未标注|无标签)\b"), "labels", (), True, False, ""),
    (_pattern(r"\b(?:labell?ed|annotated|with (?:ground[- ]truth|labels|annotations|reference masks)|beschriftet\w*|annotiert\w*|annotee?s?|etiquetad[oa]s?|anotad[oa]s?|etichettat[eio]|annotat[eio])\b|有标签|带标注|有标注|ラベル付き"), "labels", (), False, False, ""),
    (_pattern(r"\b(?:not?|non|without(?: any| an?)?|free of|minus)[- ]+(?:an? )?\bnc\b(?:[- ](?:clauses?|licen[cs]\w*|restrictions?|terms?))?|\b(?:sell|selling|sold|resell|monetis\w*|monetiz\w*|sellable|marketable)\b|\b(?:paid|paying) (?:product|service|customers?)\b"), "permission", ("commercial",), False, False, ""),
    (_pattern(r"\b(?:no(?:thing)?|not|never|without|skip\w*|avoid\w*|no need|rather than|don['’]?t want|can['’]?t)\b[^.;?!]{0,40}?\b(?:apply(?:ing)?|sign(?:ing)?(?! up| in)|fill(?:ing)?(?: in| out)?|wait(?:ing)?|ask(?:ing)?)\b[^.;?!]{0,30}?\b(?:access|agreements?|forms?|duas?|contracts?|paperwork|approval|permission)\b(?:[^.;?!]{0,20}?\bsign\w* (?:an? )?(?:agreements?|contracts?|duas?|forms?)\b)?"), "access", ("credentialed", "application", "agreement", "closed"), True, False, ""),
    (_pattern(r"\bnon[- ]?commercial\w*|\bnicht[- ]kommerziell\w*|\bno comercial\w*|非商用|非商业"), "permission", (), False, True, ""),
    (_pattern(r"\bcommercial(?:ly)?\b(?: (?:use|usage|usable|purposes?|products?|licen[cs]e|projects?))?|\bfor[- ]profit\b|\b(?:in|for|into) (?:a|our|my) (?:commercial |medical )?(?:product|startup|company)\b|\bkommerziell\w*|\b(?:usage |utilisation )?commercial\w*\b|\bcomercial(?:es|mente)?\b|商用|商业(?:用途|使用)?|商業利用"), "permission", ("commercial",), False, False, ""),
    (_pattern(r"\bredistribut\w+|\bre-?shar(?:e|ing)\b|\bre-?publish\w*|\bpass (?:it|them) on\b|\bweiterverbreit\w*"), "permission", ("redistribution",), False, False, ""),
    (_pattern(r"\bmodified (?:versions?|copies)\b|\bderivatives?\b|\bderived versions?\b|\bmodify\b|\bmodifications?\b|\badapted versions?\b"), "permission", ("derivatives",), False, False, _PERMISSION),
    (_pattern(r"\bpermissive(?:ly)?(?: licen[cs]\w*)?\b"), "permission", ("commercial", "derivatives"), False, False, ""),
    (_pattern(r"\bopen(?:ly)?[- ]licen[cs]\w*|\boffene lizenz|\blicence (?:libre|ouverte)|\blicencia (?:abierta|libre)|\blicenza (?:aperta|libera)|开放许可"), "permission", ("commercial", "derivatives", "redistribution"), False, False, ""),
    (_pattern(r"\bcc[- ]?0\b"), "licence", ("CC0",), False, False, ""),
    (_pattern(r"\bcc[- ]by(?:[- ](?:nc|sa|nd))*\b"), "licence", (), False, False, ""),
    (_pattern(r"\b(?:gnu )?(?:a|l)?gpl(?:[- ]?v?[23](?:\.0)?)?\b(?: licen[cs]ed?)?"), "licence", ("GPL", "GNU", "AGPL", "LGPL"), False, False, ""),
    (_pattern(r"\bbsd(?:[- ][23][- ]clause)?(?: licen[cs]ed?)\b"), "licence", ("BSD",), False, False, ""),
    (_pattern(r"\bpublic[- ]domain\b"), "licence", ("CC0", "Public", "PDDL"), False, False, ""),
    (_pattern(r"\b(?:descarga|telechargement|download|scaricamento) (?:libre|gratuit[ae]?|frei|libero|directo?)\b|\bfreie[rs]? download\b|\bfrei herunterladbar\b"), "access", ("open",), False, False, ""),
    (_pattern(r"\bpre-?trained (?:resnet|densenet|vit|swin|efficientnet|u-?net|convnext|vgg|inception|transformer|cnn|network|backbone)s?[\w-]*(?: (?:weights|checkpoints?))?\b"), "weights", (), False, False, ""),
    (_pattern(r"\bodbl\b|\bopen database licen[cs]e\b"), "licence", ("ODbL",), False, False, ""),
    (_pattern(r"\bmit licen[cs]ed?\b"), "licence", ("MIT",), False, False, ""),
    (_pattern(r"\bapache(?:[- ]2(?:\.0)?)?(?: licen[cs]ed?)?\b"), "licence", ("Apache",), False, False, ""),
    (_pattern(r"\b(?:without|no|not requiring|ohne|sans|sin|senza)\s+(?:a |an |any )?(?:credential\w*|application|applying|data use agreement|dua|agreement)(?:\s*(?:or|and|/|,)\s*(?:credential\w*|applications?|applying|agreements?|registration))*"), "access", ("credentialed", "application", "agreement", "closed"), True, False, ""),
    (_pattern(r"\b(?:without|no|not requiring|ohne|sans|sin|senza)\s+(?:a |an |any )?(?:sign[- ]?ups?|signing up|registration|registering|login|log-in|account|anmeldung|registrierung|inscription|registro|registrazione)\b"), "access", ("open",), False, False, ""),
    (_pattern(r"\bopen(?:ly)?[- ](?:access(?:ible)?|available|downloadable|data)\b|\b(?:freely|free to|free) (?:available|downloadable|accessible|download)\b|\bopenly\b|\bopen\b(?![- ](?:source|heart|surgery|fracture|angle|bite))|\bfrei (?:verfugbar|zuganglich)\w*|\boffen(?:e|er|es|en)?\b|\ben (?:libre )?acces (?:libre|ouvert)|\blibre acces\b|\bacceso (?:abierto|libre)\b|\babiert[oa]s?\b|\baccesso (?:aperto|libero)\b|\bapert[oaie]\b|公开|开放|オープン|公開"), "access", ("open",), False, False, ""),
    (_pattern(r"\b(?:pre-?trained|pretrained) (?:weights?|models?|checkpoints?|networks?|backbones?|encoders?)\b|\b(?:has|have|with|offers?|including) (?:downloadable |available )?(?:weights|checkpoints?)\b|\b(?:weights|checkpoints?) (?:are |is |must be )?(?:available|released|downloadable|published|online)\b|\bvortrainierte[nr]? (?:gewichte|modelle?)\b|\bpoids pre-?entraines\b|\bpesos preentrenados\b|预训练(?:权重|模型)"), "weights", (), False, False, ""),
    (_pattern(r"\b(?:measured|published|reported|known) transfer (?:results?|outcomes?|evidence|scores?|performance)\b|\btransfer (?:evidence|results|outcomes)\b"), "evidence", (), False, False, ""),
    (_pattern(r"\b(?:ethnicity|ethnic(?: group)?s?|race|racial)\b(?! (?:car|track))|\bethnie\b|\betnia\b|种族"), "reports", ("ethnicity",), False, False, ""),
    (_pattern(r"\bskin[- ]?(?:tones?|types?|colou?rs?)\b|\bfitzpatrick(?! ?17)\b|\bhautton\w*|\bhauttyp\w*|肤色"), "reports", ("skin-tone",), False, False, ""),
    (_pattern(r"\bdemographics?\b(?: (?:info\w*|data|metadata))?|\bdemografi\w+"), "reports", ("sex", "age", "ethnicity", "skin-tone"), False, False, ""),
    (_pattern(r"\b(?:everyday|natural|non[- ]?medical) (?:images?|photos?|photographs?|pictures?|objects?|scenes?|imagery|dataset|data|source)\b|\bnon[- ]?medical\b|\bnaturbilder\b|自然图像"), "domain", ("natural", "natural-texture"), False, False, ""),
    (_pattern(r"\b(?:large|big|huge)[- ]?(?:scale)?\b(?= (?:\w+[ -]){0,4}?(?:data|set|collection|corpus|dataset|database|cohort))|\bas (?:large|many \w+) as possible\b|\bgross(?:er|e|en) (?:datensatz|datensatze)\b"), "items", (), False, True, ""),
    (_pattern(r"\b(?:recent|newest|latest|up[- ]to[- ]date|modern)\b(?= (?:\w+[ -]){0,3}?(?:data|set|collection|dataset|benchmark|challenge))"), "year", (), False, True, ""),
)  # fmt: skip
_REPORTED = (
    r"(?:report\w*|record\w*|provid\w*|includ\w*|given|known|available|info\w*|metadata|stated|document\w*)"
)
_ATTRIBUTE = r"(?:sex|gender|age|ages)"
_REPORTS = re.compile(
    rf"\b(?:patients?['’]?s?|participants?['’]?|subjects?['’]?) (?P<a>{_ATTRIBUTE}(?:\s*(?:and|or|,|/)\s*{_ATTRIBUTE})*)\b"
    rf"|\b(?P<b>{_ATTRIBUTE}(?:\s*(?:and|or|,|/|&)\s*{_ATTRIBUTE})*)\b(?: of (?:the )?(?:patients?|participants?|subjects?))?(?: (?:is|are|was|were))? {_REPORTED}"
    rf"|\b(?:with|{_REPORTED}|has|have|need)\s+(?:the |known )?(?P<c>{_ATTRIBUTE}(?:\s*(?:and|or|,|/|&)\s*{_ATTRIBUTE})*)\b(?![- ]related)"
    r"|\bmit angaben? zu (?P<d>alter|geschlecht)(?: und (?P<e>alter|geschlecht))?"
)
_EXACTLY = re.compile(
    rf"\b(?:only|exactly|just|precisely)\s+(?P<n>{NUMBER})\s+(?:{_UNITS['classes']})(?![a-z])|\b(?P<m>{NUMBER})\s+(?:{_UNITS['classes']})\s+only\b"
)
_BINARY = re.compile(r"\b(?:two|2)[- ]class\b|\bbinary (?:labels?|classes)\b|\bzweiklassen\w*")


def number(text: str) -> int | None:
    """Value of a number as written: `10k`, `10,000`, `1.5 million`, `five hundred`, `1万`; None when it is none."""
    text = text.strip()
    match = re.fullmatch(r"(\d{1,3}(?:[,.'’ \u00a0]\d{3})+|\d+(?:[.,]\d+)?)\s?([a-z千万萬百]*)", text)
    if match:
        digits, times = match[1], match[2]
        if times and times not in _TIMES:
            return None
        if re.fullmatch(r"\d{1,3}(?:[,.'’ \u00a0]\d{3})+", digits) and not (
            times and re.fullmatch(r"\d+[.,]\d+", digits)
        ):
            value = float(re.sub(r"\D", "", digits))
        else:
            value = float(digits.replace(",", "."))
        return round(value * _TIMES.get(times, 1))
    total, current = 0, 0
    for word in re.split(r"[\s-]+", text):
        if word == "a":
            continue
        if word in ("hundred", "thousand", "million") or (word in ("tausend", "mille", "mil") and current):
            factor = _TIMES[word]
            current = max(current, 1) * factor
            if factor > 100:
                total, current = total + current, 0
        elif word in _SMALL:
            current += _SMALL[word]
        else:
            return None
    return total + current


def conditions(text: str) -> list[Found]:
    """All conditions in a folded text, in its order; where two overlap, the first found stays."""
    found: list[Found] = []
    for one in (*_years(text), *_comparisons(text), *_fixed(text), *_reports(text)):
        if not any(one.start < other.end and other.start < one.end for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _years(text: str) -> Iterator[Found]:
    for pattern, low, high in _YEARS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            yield Found(
                match.start(),
                match.end(),
                "year",
                minimum=int(groups["low"]) + low if groups.get("low") else None,
                maximum=int(groups["high"]) + high if groups.get("high") else None,
            )
    for match in _LAST_YEARS.finditer(text):
        if (count := number(match["n"])) is not None:
            yield Found(match.start(), match.end(), "year", minimum=date.today().year - count)
    for match in _DECADE.finditer(text):
        yield Found(match.start(), match.end(), "year", minimum=date.today().year // 10 * 10)
    for match in _SAME_YEAR.finditer(text):
        yield Found(match.start(), match.end(), "year", minimum=int(match["low"]), maximum=int(match["low"]))


def _unit(match: re.Match[str]) -> ConstraintKind:
    for kind in _UNITS:
        if match[kind]:
            return kind
    return "items"


def _comparisons(text: str) -> Iterator[Found]:
    for match in (*_BETWEEN.finditer(text), *_RANGE.finditer(text)):
        low, high = number(match["low"]), number(match["high"])
        if low is not None and high is not None:
            yield Found(match.start(), match.end(), _unit(match), minimum=low, maximum=high)
    for match in _COMPARED.finditer(text):
        value = number(match["n"])
        after = match["after"] or match["late"]
        if value is None or not (match["before"] or after):
            continue
        kind = _unit(match)
        named = any(match[unit] for unit in _UNITS)
        if not named and (
            value < 20
            or re.match(
                r"\s*(?:mm|cm|um|µm|years?|%|percent|x\b|×|tesla|weeks?|months?|days?|hz|fps|mpp)",
                text[match.end() :],
            )
        ):
            continue
        minimum, maximum = _bounds(match["before"] or "", after or "", value)
        yield Found(match.start(), match.end(), kind, minimum=minimum, maximum=maximum)
    yield from _labelled(text)
    for match in _EXACTLY.finditer(text):
        if (value := number(match["n"] or match["m"])) is not None:
            yield Found(match.start(), match.end(), "classes", minimum=value, maximum=value)
    for match in _BINARY.finditer(text):
        yield Found(match.start(), match.end(), "classes", minimum=2, maximum=2)


def _labelled(text: str) -> Iterator[Found]:
    for match in _LABELLED.finditer(text):
        value, high = number(match["n"]), number(match["high"]) if match["high"] else None
        if value is None or not (match["before"] or match["after"] or high):
            continue
        kind: ConstraintKind = "items" if match["size"] else _unit(match)
        if high is not None:
            yield Found(match.start(), match.end(), kind, minimum=value, maximum=high)
        else:
            minimum, maximum = _bounds(match["before"] or "", match["after"] or "", value)
            yield Found(match.start(), match.end(), kind, minimum=minimum, maximum=maximum)


def _bounds(before: str, after: str, value: int) -> tuple[int | None, int | None]:
    if before:
        if re.fullmatch(_MOST, before):
            return None, value
        if re.fullmatch(_LEAST, before):
            return value, None
        if re.fullmatch(_MORE, before):
            return value + 1, None
        return None, value - 1
    return (None, value) if re.fullmatch(_MOST_AFTER, after) else (value, None)


def _fixed(text: str) -> Iterator[Found]:
    for pattern, kind, values, negated, preferred, needs in _FIXED:
        for match in pattern.finditer(text):
            if needs and not re.search(needs, text):
                continue
            yield _one_fixed(match, kind, values, negated=negated, preferred=preferred)


def _one_fixed(
    match: re.Match[str], kind: ConstraintKind, values: tuple[str, ...], *, negated: bool, preferred: bool
) -> Found:
    minimum = None
    if kind == "licence" and not values:
        values = (match[0].upper().replace(" ", "-"),)
    if kind == "items" and preferred:
        minimum = 10_000
    if kind == "year" and preferred:
        minimum = 2020
    return Found(match.start(), match.end(), kind, values, minimum, None, negated, preferred)


def _reports(text: str) -> Iterator[Found]:
    names = {"gender": "sex", "geschlecht": "sex", "alter": "age", "ages": "age"}
    for match in _REPORTS.finditer(text):
        stated = " ".join(match[group] or "" for group in "abcde")
        for attribute in dict.fromkeys(re.findall(r"sex|gender|ages?|alter|geschlecht", stated)):
            start = match.start() + match[0].find(attribute)
            yield Found(start, start + len(attribute), "reports", (names.get(attribute, attribute),))
