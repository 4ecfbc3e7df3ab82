"""Given names and what people call those who bear them: a line for each, the form that is compared before the rest.

Our own table. A short form of several names (Alex, Sasha) stands with the most usual one only, so that a name is always
read the same way; how a name sounds (`phonetic`) makes up for spellings, hence these are not repeated here.
"""

from typing import Final

_LINES: Final = """
alexander alex aleks alec sasha sascha sanya shura aleksandr alexandr alejandro alessandro alexandre iskander sikandar
alexander aliaksandr aliaksandar oleksandr olexandr
alexandra aleksandra sandra
alexey alexei aleksei aleksey alyosha lyosha alexis
anastasia nastya nastia nastasya
anatoly anatoli anatoliy tolya tolik
andrew andrey andrei andriy andres andre andy drew andrzej andrea
anthony tony antonio anton antoine
anna ann anne annie anya ania hannah hanna
arkady arkadiy arkasha
benjamin ben benny benji
boris borya
catherine katherine kathryn kate katie kathy cathy katya ekaterina yekaterina katerina katarzyna kasia catalina
charles charlie chuck carlos karl carl karel carlo charly
christopher chris kit christoph kristofer krzysztof cristobal
christina kristina tina cristina
daniel dan danny danil daniil danila
david dave davey dawid davit
deborah debbie deb
dmitry dmitri dmitriy dmytro dima mitya
donald don donnie
edward ed eddie ted teddy eduard eduardo edvard
elizabeth liz lizzie beth betty eliza lisa elisabeth yelizaveta elizaveta liza isabel isabella elzbieta
eugene gene yevgeny evgeny evgeni yevgeniy evgeniy jevgeni jevgenij jewgeni yauhen zhenya jenya eugenio eugen
francis frank frankie francisco francesco franz paco pancho francois franciszek
frederick fred freddie freddy frederik friedrich federico fryderyk
gabriel gabe gavril gavriil
galina galya
gennady gennadiy gennadi gena
george yuri yury yuriy jorge jerzy georgy georgiy georgi gosha giorgi jiri georgios
gregory greg grigory grigoriy grisha grzegorz gregorio
harold harry hal
helen elena yelena olena lena helena ellen alyona
henry hank enrique heinrich henri henryk enrico
ibrahim abraham abe ebrahim avraham abram
igor ihor
ilya ilia ilja elijah elias
irina ira iryna irene
isaac ishaq ishak isak
ivan john johnny jack jon jan juan johann johannes giovanni ioan ivo vanya ioannis yahya jean joao hans sean ian
jacob jake jakob yakov yaqub yakub yaqoob
james jim jimmy jamie jaime diego santiago giacomo
joseph joe joey josef jozef jose pepe giuseppe iosif osip yusuf yousef youssef yousuf yosef
joshua josh
julia yulia yuliya julie giulia
konstantin constantine kostya costas constantin
larissa larisa lara
lawrence larry laurence lorenzo lars lavrentiy
leo lev leon leonardo
leonid lyonya
louis lou luis ludwig luigi lewis ludovic
ludmila lyudmila lyuda liudmila
margaret maggie meg peggy margarita rita greta marguerite malgorzata
maria mary mariya masha marie miriam maryam mariam molly polly
mark marc marcus marko marco markus
martin marty marcin martino
matthew matt mateo matvey mateusz matthias mathias matteo
maxim max maksim maksym massimo
michael mike mick mickey mikhail misha miguel michel michal mihail mykhailo mikael michele
mohammed md mohd muh mhd mehmet mohamad mamadou mahomet
nadezhda nadya nadia
natalia natalya natasha nataliya nathalie
nathan nate nathaniel
nicholas nick nicky nikolai nikolay nikola nicolas mykola kolya nico klaus niklas mikolaj niccolo
olga olya olha helga
oleg oleh
patrick pat paddy patricio
paul pavel pavlo pablo pasha paolo pawel paulo
peter pete pyotr petr petro pedro pierre piotr petya pietro petar
philip phil philippe filipp felipe filip
ricardo richard rick rich dick ricky ryszard riccardo
robert rob bob bobby robbie bert roberto
roman roma
ronald ron ronnie
samuel sam sammy samuil
sergey sergei serhiy sergiy seryozha sergio serge serguei
simon semyon semen shimon simeon
solomon suleiman sulayman sulaiman suleyman
stanislav stas stanislaw stan
stephen steve steven stepan stefan esteban etienne stevie istvan stefano szczepan
susan sue suzanne susanna susana
svetlana sveta
tatiana tatyana tanya tania tetiana
theodore theo fyodor fedor teodor feodor
thomas tom tommy tomas tomasz foma tommaso
timothy tim timmy timofey timur
vadim vadym
valentin valya
valery valeriy valeri valera
vasily vasiliy vasyl vasya basil vassily wasyl
victor viktor vitya vic victoire
vincent vince vincenzo vicente
vitaly vitaliy vitali vitalik
vladimir volodymyr volodya vova wladimir vladimer
vladislav vlad wladyslaw
vyacheslav viacheslav slava
william bill billy will willy willie guillermo wilhelm guillaume liam guglielmo
yaroslav jaroslav jaroslaw
""".strip().splitlines()

_FORMS: Final = frozenset(line.split()[0] for line in _LINES)
NICKNAMES: Final[dict[str, str]] = {
    other: line.split()[0] for line in _LINES for other in line.split()[1:] if other not in _FORMS
}
"""From what somebody is called to the form that is compared."""
