"""Words of other languages in the names of columns, and in the values that say what is hidden.

Names are compared as `plain` makes them: in small letters, without accents, spaces and signs.
"""
# ruff: noqa: RUF001  # letters of other languages are meant

import unicodedata
from collections.abc import Mapping

_ALONE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"})
"""Letters that Unicode does not take apart into a letter and an accent."""


def plain(name: str) -> str:
    """Return *name* in small letters and digits of any script, without accents."""
    if name.isascii():
        return "".join(filter(str.isalnum, name.lower()))
    for _ in range(2):  # what Unicode takes apart may be a capital letter
        name = unicodedata.normalize("NFKD", name.casefold().translate(_ALONE))
    return "".join(filter(str.isalnum, name))


def _names(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(plain, words.split(","))))


FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": _names(
        "numéro, número, numero, nummer, identificador, identifiant, numer, номер, ид, код,"
        " 编号, 編號, 番号, 번호, αριθμός, numara, sorszám, číslo"
    ),
    "title": _names(
        "pytanie, temat, tytuł, вопрос, заголовок, тема, питання, 标题, 標題, 题目, 問題,"
        " 问题, タイトル, 件名, 質問, 제목, 질문, 문의, fråga, rubrik, ämne, spørgsmål, emne,"
        " kysymys, otsikko, aihe, soru, konu, başlık, kérdés, tárgy, otázka, předmět,"
        " ερώτηση, θέμα, întrebare, subiect, câu hỏi, tiêu đề, pertanyaan, judul, שאלה,"
        " כותרת, سؤال, السؤال, عنوان, العنوان, प्रश्न, शीर्षक, คำถาม, หัวข้อ"
    ),
    "body": _names(
        "nachricht, texto, texte, testo, mensaje, mensagem, messaggio, bericht, treść, opis,"
        " текст, сообщение, описание, 内容, 內容, 正文, 本文, 내용, 본문, innehåll, indhold,"
        " içerik"
    ),
    "category": _names(
        "categoría, categoria, catégorie, kategorie, kategoria, категория, 分类, 分類,"
        " カテゴリ, カテゴリー, 카테고리, 분류, kategori, rubriek, forum"
    ),
    "author": _names(
        "usuario, usuário, utente, benutzer, verfasser, utilisateur, gebruiker, użytkownik,"
        " автор, пользователь, 作者, 用户, 投稿者, 작성자"
    ),
    "asked_at": _names(
        "fecha de creación, fecha creación, creado, creado el, date de création,"
        " date création, créé le, data de criação, data criação, criado em, data creazione,"
        " data di creazione, erstellungsdatum, erstelldatum, erstellt, datum erstellt,"
        " aangemaakt, aangemaakt op, aanmaakdatum, data utworzenia, utworzono, дата,"
        " дата создания, создано, 时间, 時間, 日期, 创建时间, 建立時間, 发布时间, 日時, 日付,"
        " 作成日, 作成日時, 投稿日, 投稿日時, 날짜, 작성일, 등록일, skapad, oprettet, luotu,"
        " tarih, dátum"
    ),
}
"""By field: names of its column that no English table has."""
VAGUE = frozenset(
    _names(
        "tytuł, заголовок, 标题, 標題, タイトル, 제목, rubrik, otsikko, başlık, judul,"
        " tiêu đề, शीर्षक, عنوان, العنوان, כותרת, titulek"
    )
)  # fmt: skip
"""Names of titles that are also used for other things than questions."""
PERSONS = frozenset(
    _names(
        "nombre, nome, nom, naam, имя, фио, imię, 姓名, 名前, 이름, nachname, vorname,"
        " apellido, apellidos, sobrenome, cognome, prénom, achternaam, voornaam, nazwisko,"
        " фамилия, correo, correo electrónico, courriel, e-mail-adresse, пароль, contraseña,"
        " mot de passe"
    )
)  # fmt: skip
"""Columns of persons."""

HIDDEN: Mapping[str, tuple[str, ...]] = {
    "deleted": (
        "gelöscht", "geloescht", "entfernt", "supprimé", "supprimée", "effacé", "effacée",
        "eliminado", "eliminada", "borrado", "borrada", "excluído", "excluída", "apagado",
        "apagada", "removido", "removida", "eliminato", "eliminata", "cancellato", "cancellata",
        "rimosso", "rimossa", "verwijderd", "usunięty", "usunięta", "usunięte", "usunięto",
        "удалено", "удалён", "удален", "удалена", "видалено", "已删除", "删除", "是否删除",
        "已刪除", "刪除", "削除", "削除済み", "삭제", "삭제됨", "raderad", "borttagen", "slettet",
        "poistettu", "silindi", "silinmiş", "törölve", "törölt", "smazáno", "διαγράφηκε",
        "διαγραμμένο", "șters", "ştearsă", "đã xóa", "محذوف", "מחוק", "dihapus",
    ),
    "unapproved": (
        "entwurf", "in prüfung", "nicht freigegeben", "nicht veröffentlicht", "unveröffentlicht",
        "abgelehnt", "brouillon", "en attente", "refusé", "rejeté", "non publié", "borrador",
        "pendiente", "rechazado", "rechazada", "no publicado", "rascunho", "pendente", "rejeitado",
        "não publicado", "bozza", "in attesa", "rifiutato", "in afwachting", "afgekeurd", "szkic",
        "oczekuje", "odrzucony", "черновик", "на модерации", "отклонено", "отклонён", "отклонен",
        "не опубликовано", "草稿", "待审核", "未审核", "未发布", "下書き", "承認待ち", "未公開",
        "초안", "대기", "미승인", "utkast", "kladde", "luonnos", "taslak", "piszkozat", "koncept",
        "concept", "مسودة", "טיוטה", "bản nháp", "draf",
    ),
    "private": (
        "privat", "vertraulich", "nur mitglieder", "nur für mitglieder", "privé", "privée",
        "confidentiel", "réservé aux membres", "privado", "privada", "confidencial", "privato",
        "privata", "riservato", "prywatny", "prywatne", "приватно", "приватный", "приватная",
        "личное", "私密", "仅自己可见", "非公開", "限定公開", "비공개", "besloten", "soukromé",
        "yksityinen", "özel", "nur intern", "riêng tư", "خاص", "פרטי", "ιδιωτικό",
    ),
    "hidden": (
        "versteckt", "verborgen", "ausgeblendet", "unsichtbar", "masqué", "masquée", "caché",
        "cachée", "oculto", "oculta", "escondido", "nascosto", "nascosta", "onzichtbaar", "ukryty",
        "ukryta", "ukryte", "скрыто", "скрыт", "скрыта", "приховано", "隐藏", "已隐藏", "是否隐藏",
        "隱藏", "非表示", "숨김", "dold", "skjult", "piilotettu", "gizli", "rejtett", "skryté",
        "skryto", "ascuns", "ẩn", "مخفي", "מוסתר", "κρυφό", "tersembunyi",
    ),
}  # fmt: skip
"""By reason: what a column that hides questions is called, or what it says."""
SHOWN = _names(
    "sichtbar, freigegeben, freigeschaltet, öffentlich, veröffentlicht, publié, publiée,"
    " approuvé, approuvée, validé, publicado, publicada, aprobado, aprobada, público,"
    " pública, visível, aprovado, aprovada, pubblicato, approvato, pubblico, visibile,"
    " zichtbaar, gepubliceerd, goedgekeurd, openbaar, widoczny, opublikowany,"
    " zatwierdzony, publiczny, видимый, видимо, опубликовано, опубликован, одобрено,"
    " одобрен, 公开, 公開, 是否公开, 可见, 已发布, 已审核, 公開済み, 承認, 承認済み,"
    " 공개, 공개여부, 노출여부, 公開フラグ, 是否发布, 승인,"
    " synlig, publicerad, godkänd, näkyvä, julkaistu, görünür, yayında"
)
"""Columns that show a question if they say yes."""
SAYS = _names(
    "estado, estatus, statut, stato, zustand, situação, toestand, stav, статус,"
    " состояние, 状态, 状態, 狀態, ステータス, 상태, durum, tila, stan,"
    " 公开状态, 公開状態, 公開設定, trạng thái, الحالة, סטטוס"
)
"""Columns that say in a word whether a question is shown."""
READERS = _names(
    "sichtbarkeit, visibilité, visibilidad, visibilidade, visibilità, zichtbaarheid,"
    " widoczność, видимость, 可见性, 公開範囲, synlighet, näkyvyys, görünürlük"
    ", freigabe, freigabestatus, veröffentlichungsstatus, statut de publication"
    ", estado de publicación, estado de publicação, stato di pubblicazione, publicatiestatus"
    ", status publikacji, статус публикации"
)
"""Columns that say who may read a question."""
EVERYBODY = (
    "öffentlich|sichtbar|jeder|für alle|alle|publique|tous|tout le monde|p[úu]blic[oa]|todos"
    "|todo el mundo|vis[íi]vel|visibile|pubblic[oa]|tutti|publiek|openbaar|zichtbaar|iedereen"
    r"|publiczn[yae]|widoczn[yae]|wszyscy|offentlig|offentligt|synlig|alla|julkinen|kaikki|herkes"
    "|freigegeben|veröffentlicht|publiée?|publicad[oa]|pubblicat[oa]|gepubliceerd|opublikowan[yea]"
    r"|опубликован\w*"
    r"|публич\w+|видим\w+|все|всем|для всех|公开|公開|全体|所有人|공개|전체"
)
"""A pattern of values of such columns that mean everybody."""
ABOUT = _names(
        "ist, wurde, est, está, thema, frage, beitrag, sujet, pregunta, tema, pergunta, тема,"
        " вопрос, сообщение, 帖子, 问题, 主题"
    )  # fmt: skip
KEPT = _names(
    "am, von, um, grund, le, par, el, por, em, op, door, il, кем, когда, 时间, 日時, mi,"
    " mı, 여부, フラグ, 标志, 标记, 标识"
)
"""What may follow such a name: a moment, a person, a reason."""


def said_by(reason: str) -> str:
    """Return a pattern of the names of columns that hide questions for *reason*."""
    return "|".join(dict.fromkeys(map(plain, HIDDEN.get(reason, ())))) or "(?!)"


def values_of(reason: str) -> str:
    """Return a pattern of the values that hide for *reason*, with and without accents."""
    words = HIDDEN.get(reason, ())
    return "|".join(dict.fromkeys([*words, *map(_bare, words)])) or "(?!)"


def _bare(word: str) -> str:
    parts = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(x for x in parts if not unicodedata.combining(x)))
