"""Files of the published forms, read into entries; what is cut off, forged or another file is refused with its line."""

from __future__ import annotations

import io

import pytest

from policy.screening.watchlists.errors import EntryTwice, FileRefused, FileTruncated
from policy.screening.watchlists.formats.days import read_ofac_days
from policy.screening.watchlists.formats.readers import count_entries, read_entries
from policy.screening.watchlists.formats.remarks import read_remarks
from policy.screening.watchlists.types import Files, ListedIdentifier, ListedName, ParsedEntry, Source
from tests.screening.shelf import row, sdn

SIMPLE = "id,schema,name,aliases,birth_date,countries,addresses,identifiers,sanctions,phones,emails,dataset,last_seen"
XML = """<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="http://tempuri.org/sdnList.xsd">
  <publshInformation><Publish_Date>05/03/2026</Publish_Date><Record_Count>{count}</Record_Count></publshInformation>
  {entries}
</sdnList>
"""
PERSON = """<sdnEntry><uid>7</uid><firstName>Taras</firstName><lastName>MARENKO</lastName><title>Clerk</title>
  <sdnType>Individual</sdnType><remarks>Gender Male.</remarks><programList><program>TEST</program></programList>
  <idList><id><uid>1</uid><idType>Passport</idType><idNumber>AB 123456</idNumber><idCountry>Iran</idCountry></id>
  </idList>
  <akaList><aka><uid>2</uid><type>a.k.a.</type><category>weak</category><lastName>TARAN</lastName></aka></akaList>
  <addressList><address><uid>3</uid><city>Nowhere</city><country>Turkey</country></address></addressList>
  <nationalityList><nationality><uid>4</uid><country>Iran</country><mainEntry>true</mainEntry></nationality></nationalityList>
  <dateOfBirthList><dateOfBirthItem><uid>5</uid><dateOfBirth>01 Mar 1969</dateOfBirth><mainEntry>true</mainEntry>
  </dateOfBirthItem></dateOfBirthList></sdnEntry>"""


def read(content: bytes | str, source: Source, **more: bytes) -> list[ParsedEntry]:
    main = content.encode() if isinstance(content, str) else content
    files = Files(io.BytesIO(main), **{name: io.BytesIO(value) for name, value in more.items()})
    return list(read_entries(files, source=source))


def test_a_row_of_the_legacy_csv() -> None:
    remarks = (
        "DOB 01 Dec 1963; alt. DOB circa 1964; POB Nowhere, Iran; nationality Iran; alt. citizen Korea, North; "
        "Gender Male; Passport V54707341 (Iran) expires 01 Oct 2026; National ID No. 005-3643 (Iran); "
        "a.k.a. 'ABU SA'D'; Digital Currency Address - XBT 1Invented9; Linked To: OSTEVAL TRADING LLC."
    )
    (entry,) = read(sdn(row(48784, "MARENKO, Taras", remarks=remarks, program="NPWMD] [IFSR")), "ofac_csv")
    assert (entry.uid, entry.kind, entry.line, entry.programs) == ("48784", "person", 1, ("NPWMD", "IFSR"))
    assert entry.names == (ListedName("MARENKO, Taras"), ListedName("ABU SA'D", is_weak=True))
    assert entry.dates == ("1963-12-01", "~1964")
    assert entry.countries == ("IR", "KP")
    assert entry.identifiers == (
        ListedIdentifier("passport", "V54707341", "IR"),
        ListedIdentifier("national_id", "005-3643", "IR"),
        ListedIdentifier("wallet", "1Invented9"),
    )
    assert entry.notes == ("POB Nowhere, Iran", "Gender Male", "Linked To: OSTEVAL TRADING LLC")


def test_commas_quotes_and_nulls_of_the_legacy_csv() -> None:
    content = (
        '36,"OSTEVAL TRADING CO., LTD.",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
        '37,"THE ""BLUE"" SHIP","vessel","IRAN",-0- ,"XYZ12","Crude Oil Tanker","318,000","163,660","Iran","An Owner",'
        '"Vessel Registration Identification IMO 9999999; MMSI 123456789."\r\n\x1a'
    )
    company, vessel = read(content, "ofac_csv")
    assert (company.kind, company.names[0].text, company.title, company.notes) == (
        "company", "OSTEVAL TRADING CO., LTD.", "", (),
    )  # fmt: skip
    assert (vessel.kind, vessel.names[0].text, vessel.countries) == ("vessel", 'THE "BLUE" SHIP', ("IR",))
    assert [one.type for one in vessel.identifiers] == ["imo", "mmsi", "call_sign"]


def test_the_files_of_aliases_and_addresses_beside_it() -> None:
    (entry,) = read(
        sdn(row(9, "MARENKO, Taras")),
        "ofac_csv",
        alternates=b'9,12,"aka","TARAN, Marek",-0- \r\n9,13,"fka","OLDNAME, Taras","weak alias"\r\n',
        addresses=b'9,25,"1 Invented Street","Nowhere 1000","Cyprus",-0- \r\n',
    )
    assert [(name.text, name.is_weak) for name in entry.names[1:]] == [
        ("TARAN, Marek", False),
        ("OLDNAME, Taras", True),
    ]
    assert (entry.addresses, entry.countries) == (("1 Invented Street, Nowhere 1000, Cyprus",), ("CY",))


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("01 Dec 1963", "1963-12-01"), ("Dec 1963", "1963-12"), ("1963", "1963"), ("circa 1963", "~1963"),
        ("1960 to 1965", "1960/1965"), ("05 Nov 1946 to 06 Nov 1946", "1946-11-05/1946-11-06"),
        ("circa 1979-1982", "~1979/1982"), ("yesterday", None), ("32 Dec 1963", None), ("01 Foo 1963", None),
    ],
)  # fmt: skip
def test_days_as_ofac_writes_them(words: str, days: str | None) -> None:
    assert read_ofac_days(words) == days


def test_remarks_that_say_nothing_we_know_are_kept_as_notes() -> None:
    assert read_remarks("all offices worldwide; see also.").notes == ["all offices worldwide", "see also"]
    assert read_remarks("-0- ").notes == []


@pytest.mark.parametrize(
    ("content", "error", "line"),
    [
        (b"ent_num,name,type\r\n", FileRefused, 1),
        (sdn(row(1, "A"), "2,only,three", row(3, "C")), FileRefused, 2),
        (sdn(row(1, "A")) [:-3], FileTruncated, 1),
        (sdn(row(1, "A"), '2,"never closed'), FileTruncated, 2),
        (sdn(row(1, "A"), "2,cut", end=""), FileTruncated, 2),
        (sdn(row(1, "A"), row(2, "B", kind="planet")), FileRefused, 2),
        (sdn(row(1, "A"), row(2, "")), FileRefused, 2),
        (sdn(row(1, "A")) + b"2,\xff\xfe\r\n", FileRefused, 2),
    ],
)  # fmt: skip
def test_a_legacy_csv_that_is_none_is_refused_with_its_line(
    content: bytes, error: type[FileRefused], line: int
) -> None:
    if content.endswith(b"\xfe\r\n"):
        content = content.replace(b"\x1a", b"")
    with pytest.raises(error) as refused:
        read(content, "ofac_csv")
    assert refused.value.extra["line"] == line


def test_one_entry_twice_and_none_at_all_are_refused() -> None:
    with pytest.raises(EntryTwice) as twice:
        count_entries(Files(io.BytesIO(sdn(row(1, "A"), row(1, "B")))), source="ofac_csv")
    assert twice.value.extra["line"] == 2
    with pytest.raises(FileRefused):
        count_entries(Files(io.BytesIO(b"")), source="ofac_csv")


def test_a_simple_csv_of_opensanctions() -> None:
    content = (
        f"{SIMPLE}\n"
        'NK-1,Person,"Taras, Marenko","Тарас Маренко;""Taran; Marek""",1969-03-01;1970,ir;ru,'
        '"1 Invented Street",AB123456,"TEST - 2026",,,xx,2026-01-01\n'
        "NK-2,Company,Osteval OOO,,,ru,,,,,,xx,2026-01-01\n"
    )
    person, company = read(content, "opensanctions_csv")
    assert (person.uid, person.kind, person.line) == ("NK-1", "person", 2)
    assert [name.text for name in person.names] == ["Taras, Marenko", "Тарас Маренко", "Taran; Marek"]
    assert (person.dates, person.countries, person.notes) == (("1969-03-01", "1970"), ("IR", "RU"), ("TEST - 2026",))
    assert person.identifiers == (ListedIdentifier("other", "AB123456"),)
    assert (company.kind, company.dates) == ("company", ())


def test_a_simple_csv_with_a_broken_row_or_header_is_refused_with_its_line() -> None:
    for content, line in ((f"{SIMPLE}\nNK-1,Person\n", 2), ("id,name\n1,2\n", 1), (f"{SIMPLE}\nNK-1,Per", 2)):
        with pytest.raises(FileRefused) as refused:
            read(content, "opensanctions_csv")
        assert refused.value.extra["line"] == line


def test_the_xml_says_the_same() -> None:
    (entry,) = read(XML.format(count=1, entries=PERSON), "ofac_xml")
    assert (entry.uid, entry.kind, entry.line, entry.title) == ("7", "person", 4, "Clerk")
    assert entry.names == (ListedName("MARENKO, Taras"), ListedName("TARAN", is_weak=True))
    assert (entry.dates, entry.countries) == (("1969-03-01",), ("IR", "TR"))
    assert entry.identifiers == (ListedIdentifier("passport", "AB 123456", "IR"),)
    assert (entry.addresses, entry.notes, entry.programs) == (("Nowhere, Turkey",), ("Gender Male",), ("TEST",))


def test_the_xml_of_another_namespace_is_read_too() -> None:
    content = XML.format(count=1, entries=PERSON).replace(
        "http://tempuri.org/sdnList.xsd", "https://another.invalid/XML"
    )
    assert [entry.uid for entry in read(content, "ofac_xml")] == ["7"]


def test_an_xml_with_fewer_entries_than_it_says_is_refused() -> None:
    with pytest.raises(FileTruncated):
        read(XML.format(count=2, entries=PERSON), "ofac_xml")


def test_an_xml_that_ends_in_the_middle_is_refused_with_its_line() -> None:
    content = XML.format(count=1, entries=PERSON)
    with pytest.raises(FileTruncated) as refused:
        read(content[: content.index("<akaList>")], "ofac_xml")
    assert refused.value.extra["line"] == 8


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE sdnList [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE sdnList SYSTEM "http://nowhere.invalid/list.dtd">',
        '<!DOCTYPE sdnList [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_an_xml_with_a_document_type_is_refused(prologue: str) -> None:
    content = XML.format(count=1, entries=PERSON).replace("<sdnList", f"{prologue}<sdnList", 1)
    with pytest.raises(FileRefused) as refused:
        read(content, "ofac_xml")
    assert "document type" in refused.value.detail


def test_an_xml_with_an_entry_of_countless_elements_is_refused() -> None:
    with pytest.raises(FileRefused, match="more than 20000 elements"):
        read(XML.format(count=1, entries=f"<sdnEntry>{'<a/>' * 30_000}</sdnEntry>"), "ofac_xml")


def test_another_xml_is_refused() -> None:
    for content in (
        "<html></html>",
        "<sdnList><sdnEntry><a/></sdnEntry></sdnList>",
        "no xml",
        f"<sdnList>{'<a>' * 40}",
    ):
        with pytest.raises(FileRefused):
            read(content, "ofac_xml")
