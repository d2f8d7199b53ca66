import gzip
from pathlib import Path

import pytest

from db.errors import InvalidInputError
from training.data.pairs import PairsError
from training.data.suites import MiningDomain, Most, PairsDomain, SuiteError, read_suite

PAIRS = "question1,question2,is_duplicate\nWhy is it hot?,Why so hot?,1\nWhy?,Is it Monday?,0\n"


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def mining(folder: Path) -> MiningDomain:
    (found,) = read_suite(folder)
    assert isinstance(found, MiningDomain)
    return found


def test_domains_are_folders_or_files_and_pairs_come_first(tmp_path: Path) -> None:
    put(tmp_path, "cooking/pairs.csv.gz", PAIRS)
    put(tmp_path, "cooking/questions.csv", "id,title,cluster\n1,a,x\n2,b,x\n")
    put(tmp_path, "cooking/pairs_train.csv", "not read")
    put(tmp_path, "bikes.tsv", PAIRS.replace(",", "\t"))
    put(tmp_path, "README.md", "not read")

    found = read_suite(tmp_path)

    assert [(one.name, type(one)) for one in found] == [
        ("bikes", PairsDomain),
        ("cooking", PairsDomain),
        ("cooking", MiningDomain),
    ]
    assert [one.summary for one in found] == [
        "bikes: 2 pairs, 1 of them the same",
        "cooking: 2 pairs, 1 of them the same",
        "cooking (mining): 2 questions, 1 pair is the same",
    ]


def test_bodies_are_read_and_tell_questions_of_one_title_apart(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.csv",
        "question1,question2,body1,body2,is_duplicate\nHelp,Help,my car,my cat,0\na,b,,,1\n",
    )

    (found,) = read_suite(tmp_path)

    assert isinstance(found, PairsDomain)
    assert (found.pairs[0].body1, found.pairs[0].body2) == ("my car", "my cat")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("cluster", ["x", "x", "x", "y", ""]),
        ("duplicate_of", ["2", "", "2 1", "", ""]),
        ("cluster_or_duplicate_of", ["2", "", "1", "", "a name"]),
    ],
)
def test_what_is_the_same_is_told_by_clusters_or_by_links(
    tmp_path: Path, column: str, values: list[str]
) -> None:
    rows = "".join(f"{i + 1},title {i},{value}\n" for i, value in enumerate(values))
    put(tmp_path, "a.csv", f"id,title,{column}\n{rows}")

    groups = mining(tmp_path).groups

    assert len({groups[place] for place in (0, 1, 2)}) == 1
    assert len({groups[place] for place in (0, 3, 4)}) == 3
    assert mining(tmp_path).same == 3


def test_questions_without_a_title_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id,title,body,cluster\n1,a,b,x\n2,,c,x\n3,d,,x\n")

    found = mining(tmp_path)

    assert (found.titles, found.bodies) == (["a", "d"], ["b", ""])


def test_no_more_pairs_than_wanted_and_the_same_each_time(tmp_path: Path) -> None:
    rows = "".join(f"left {i},right {i},{i % 2}\n" for i in range(100))
    put(tmp_path, "a.csv", f"question1,question2,is_duplicate\n{rows}")

    first, second = (read_suite(tmp_path, most=Most(pairs=20)) for _ in range(2))

    assert first == second
    assert isinstance(first[0], PairsDomain)
    assert len(first[0].pairs) == 20


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("a.csv", "id,title,cluster\n1,a,x\n1,b,x\n", PairsError, "line 2 already"),
        ("a.csv", "id,title\n1,a\n", PairsError, "no column cluster"),
        ("a.csv", "id,title,cluster\n1,a,x\n2,b,y\n", SuiteError, "no two questions share"),
        ("a.csv", PAIRS.replace(",0\n", ",1\n"), InvalidInputError, "holds only duplicates"),
        ("a.csv", PAIRS.replace("is_duplicate", "label"), PairsError, "no column is_duplicate"),
        ("a/other.csv", PAIRS, SuiteError, "holds no domain"),
    ],
)
def test_what_is_no_suite_says_why(
    tmp_path: Path, name: str, text: str, error: type[Exception], message: str
) -> None:
    put(tmp_path, name, text)

    with pytest.raises(error, match=message):
        read_suite(tmp_path)


@pytest.mark.parametrize(
    ("text", "most", "message"),
    [
        (PAIRS + "A?,B?,0\nC?,D?,0\n", Most(pairs=1), "have one label: use more pairs"),
        ("id,title,cluster\n1,a,x\n2,b,x\n3,c,y\n", Most(questions=1), "use more questions"),
    ],
)
def test_a_draw_too_small_to_measure_is_not_blamed_on_the_file(
    tmp_path: Path, text: str, most: Most, message: str
) -> None:
    put(tmp_path, "a.csv", text)

    assert read_suite(tmp_path)
    with pytest.raises(SuiteError, match=message):
        read_suite(tmp_path, most=most)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="nowhere: no such folder"):
        read_suite(tmp_path / "nowhere")


def test_of_a_large_mining_set_whole_groups_are_kept_the_same_each_time(tmp_path: Path) -> None:
    rows = "".join(f"{place},title {place},g{place // 3}\n" for place in range(90))
    put(tmp_path, "a/questions.csv", f"id,title,cluster\n{rows}")

    first, second = (read_suite(tmp_path, most=Most(questions=20)) for _ in range(2))

    (kept,) = first
    assert isinstance(kept, MiningDomain)
    assert first == second
    assert len(kept.titles) == 21
    assert kept.same == 7 * 3
    assert len(set(kept.titles)) == 21
