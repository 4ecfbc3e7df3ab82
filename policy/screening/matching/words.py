"""Words that say little about who somebody is: forms of companies, particles of names, words of every trade."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARTICLES: Final = _words("""
al el ul ur bin ibn ben bint van von der den de del della di da dos das du la le los las y and the of und et zu
ter
""")
"""Left out of a name when something else remains."""

# Longest first: what several words say together goes before what one of them says.
_FORMS: Final = """
obshchestvo s ogranichennoy otvetstvennostyu
obschestvo s ogranichennoi otvetstvennostyu
tovaristvo z obmezhenoyu vidpovidalnistyu
otkrytoe aktsionernoe obshchestvo
zakrytoe aktsionernoe obshchestvo
publichnoe aktsionernoe obshchestvo
nepublichnoe aktsionernoe obshchestvo
aktsionernoe obshchestvo
sociedad de responsabilidad limitada
sociedad anonima de capital variable
sociedad anonima cerrada
sociedad anonima
sociedade anonima
societe a responsabilite limitee
societe anonyme
societa a responsabilita limitata
societa per azioni
gesellschaft mit beschrankter haftung
limited liability partnership
limited liability company
limited liability co
public joint stock company
open joint stock company
closed joint stock company
private joint stock company
joint stock company
public limited company
private limited company
private company limited
public company limited
company limited
co limited
co ltd
limited company
private limited
pte ltd
pvt ltd
pty ltd
sdn bhd
private company
limited sirketi
ltd sti
anonim sirketi
anonim sirket
s a de c v
sa de cv
s de r l
gmbh co kg
gmbh and co kg
sp z o o
free zone company
free zone establishment
""".strip().splitlines()
_SHORT_FORMS: Final = """
ltd limited llc llp lp inc incorporated corp corporation co company plc pjsc ojsc cjsc jsc ooo oao zao pao ao
tov gmbh mbh kg ohg sa sas sarl srl spa sl sau bv nv ab as asa oy oyj aps kft zrt doo dd ad eood ood pte pty pvt
sdn bhd fze fzc fzco fz llc wll sti sirketi est tbk pt cv ltda eirl spzoo kk gk
"""
FORMS: Final = tuple(tuple(line.split()) for line in _FORMS) + tuple(
    (word,) for word in dict.fromkeys(_SHORT_FORMS.split())
)

WEAK: Final = _words("""
group grupo gruppa holding holdings trading trade traders trader international intl general industries
industrial industry services service enterprise enterprises investment investments invest bank banking shipping
ship import export imports exports engineering construction technology technologies technical technik tech oil
gas petroleum energy center centre national global world foundation organization organisation production
commercial comercial comercializadora inversiones servicios logistics transport transportation marine maritime
electronics systems solutions management consulting development resources materials metals steel chemical
chemicals food foods products supply capital finance financial insurance airlines air aviation travel real
estate properties brothers sons union united society association committee front movement party army ministry
office agency institute university research scientific factory plant works mill zavod imeni line lines
""")
"""Words of every trade: two companies that share only these share nothing."""

ABBREVIATIONS: Final = {
    "intl": "international", "mfg": "manufacturing", "bros": "brothers", "tech": "technology", "ind": "industries",
    "eng": "engineering", "constr": "construction", "im": "imeni", "mgmt": "management",
    "dev": "development", "org": "organization",
    "centre": "center", "organisation": "organization", "assoc": "association", "st": "saint", "svcs": "services",
    "technologies": "technology", "holdings": "holding", "investments": "investment", "enterprises": "enterprise",
    "industrial": "industries", "industry": "industries", "gruppa": "group", "grupo": "group",
}  # fmt: skip
