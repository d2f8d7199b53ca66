"""Words of other languages in the names of columns, and in the values that say what is hidden.

Names are compared as `plain` makes them: in small letters, without accents, spaces and signs.
"""
# ruff: noqa: RUF001  # letters of other languages are meant

import re
import unicodedata
from collections.abc import Mapping

_ALONE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"})
"""Letters that Unicode does not take apart into a letter and an accent."""


_BEFORE = re.compile(
    r"(?:[a-mo-z]|fld|col|tbl|qst|str|txt|bit|bln|bool|int|wr|bbs|brd|art|pst|ows)_+(?=[a-z])"
    r"|(?-i:(?:fld|str|txt|bit|bln|bol|int)(?=[A-Z]))",
    re.IGNORECASE,
)
"""What old programs write before the name of each column: the table or the type."""


def bare(name: str) -> str:
    """Return a name without the mark of its table or type: ``T_STATUS``, ``fldStatus``."""
    return _BEFORE.sub("", name, count=1) if _BEFORE.match(name) else name


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
        "überschrift, vraag, spørsmål, vprašanje, pitanje, küsimus, jautājums, klausimas,"
        " pytanie, temat, tytuł, вопрос, заголовок, тема, питання, 标题, 標題, 题目, 問題,"
        " 问题, タイトル, 件名, 質問, 제목, 질문, 문의, fråga, rubrik, ämne, spørgsmål, emne,"
        " kysymys, otsikko, aihe, soru, konu, başlık, kérdés, tárgy, otázka, předmět,"
        " ερώτηση, θέμα, întrebare, subiect, câu hỏi, tiêu đề, pertanyaan, judul, שאלה,"
        " כותרת, سؤال, السؤال, عنوان, العنوان, प्रश्न, शीर्षक, คำถาม, หัวข้อ"
    ),
    "body": _names(
        "nachricht, texto, texte, testo, mensaje, mensagem, messaggio, bericht, treść, opis,"
        " текст, сообщение, описание, 内容, 內容, 正文, 本文, 내용, 본문, innehåll, indhold,"
        " içerik, descripción, descrição, descrizione, omschrijving, popis,"
        " açıklama, النص"
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
        " angelegt, angelegt am, erstellt am,"
        " aangemaakt, aangemaakt op, aanmaakdatum, data utworzenia, utworzono, дата,"
        " дата создания, создано, 时间, 時間, 日期, 创建时间, 建立時間, 发布时间, 日時, 日付,"
        " 作成日, 作成日時, 投稿日, 投稿日時, 날짜, 작성일, 등록일, skapad, oprettet, luotu,"
        " tarih, dátum, data dodania, data publikacji, fecha de publicación, date de publication,"
        " data de publicação, data di pubblicazione, дата публикации, дата добавления,"
        " oluşturulma tarihi"
    ),
}
"""By field: names of its column that no English table has."""
VAGUE = frozenset(
    _names(
        "überschrift, tytuł, заголовок, 标题, 標題, タイトル, 제목, rubrik, otsikko, başlık, judul,"
        " tiêu đề, शीर्षक, عنوان, العنوان, כותרת, titulek"
    )
)  # fmt: skip
"""Names of titles that are also used for other things than questions."""
QUESTION = "質問|问题|問題|帖子|主题|主題|话题|スレッド|トピック|投稿|질문|게시글"
OF_QUESTION = (
    "pregunta|tema|hilo|pergunta|topico|question|sujet|domanda|discussione|frage|thema|themas"
    "|beitrags?|vraag|onderwerp|topic|thread|discussion"
)
QUESTIONS = "вопроса|темы|обсуждения|pytania|tematu|watku|питання|otazky"
"""Words for a question: before, behind a preposition, or behind another word in a column's name."""
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
        "papierkorb", "im papierkorb", "corbeille", "à la corbeille", "papelera", "en la papelera",
        "dado de baja", "lixeira", "na lixeira", "cestino", "nel cestino", "prullenbak", "kosz",
        "w koszu", "корзина", "в корзине", "удалённый", "удаленный", "回收站", "被删除", "ゴミ箱",
        "削除済", "휴지통", "papperskorg", "papirkurv", "roskakori", "çöp", "çöp kutusu", "koš",
        "v koši", "smazán", "smazané", "lomtár",
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
        "wartet auf freigabe", "freigabe ausstehend", "zur prüfung", "zu prüfen",
        "nicht freigeschaltet", "en attente de validation", "en attente de modération",
        "à valider", "à modérer", "en modération", "non validé", "pendiente de revisión",
        "pendiente de aprobación", "en revisión", "no aprobado", "en moderación", "em análise",
        "em moderação", "aguardando aprovação", "aguardando moderação", "não aprovado",
        "in moderazione", "in revisione", "in attesa di approvazione", "non approvato",
        "non pubblicato", "wacht op goedkeuring", "niet goedgekeurd", "niet gepubliceerd",
        "oczekujące", "oczekujący", "oczekuje na akceptację", "niezatwierdzone",
        "nieopublikowane", "ожидает модерации", "ожидает проверки", "на проверке",
        "не опубликован", "не одобрено", "待审", "审核中", "未通过", "不通过", "审核不通过",
        "审核未通过", "驳回", "已驳回", "已拒绝", "待審核", "審査中", "未承認", "却下", "승인대기",
        "대기중", "심사중", "반려", "임시저장", "bekliyor", "onay bekliyor", "onaylanmadı",
        "yayınlanmadı", "čeká na schválení", "neschváleno", "nezveřejněno",
        "väntar på godkännande", "afventer godkendelse", "снят с публикации",
        "снято с публикации", "despublicado", "despublicada", "dépublié", "depubliziert",
        "승인 대기", "검토 중", "검토중", "심사 중", "審査待ち",
        "zurückgezogen", "retirado", "retirada", "retiré", "ritirato", "ingetrokken", "wycofany",
    ),
    "private": (
        "privat", "vertraulich", "nur mitglieder", "nur für mitglieder", "privé", "privée",
        "confidentiel", "réservé aux membres", "privado", "privada", "confidencial", "privato",
        "privata", "riservato", "prywatny", "prywatne", "приватно", "приватный", "приватная",
        "личное", "私密", "仅自己可见", "非公開", "限定公開", "비공개", "besloten", "soukromé",
        "yksityinen", "özel", "nur intern", "riêng tư", "خاص", "פרטי", "ιδιωτικό",
        "intern", "interne", "interno", "interna", "nur mitarbeiter", "solo socios",
        "solo miembros", "somente membros", "apenas membros", "solo membri", "solo soci",
        "alleen leden", "tylko dla członków", "только участники", "только для участников",
        "仅好友", "仅会员", "仅会员可见", "会員限定", "会員のみ", "비밀", "비밀글", "회원전용",
        "sadece üyeler", "pouze členové", "restrito", "restrita", "restringido", "restringida",
        "restreint", "eingeschränkt", "beperkt", "ograniczony", "ограничен", "ограничено",
    ),
    "hidden": (
        "versteckt", "verborgen", "ausgeblendet", "unsichtbar", "masqué", "masquée", "caché",
        "cachée", "oculto", "oculta", "escondido", "nascosto", "nascosta", "onzichtbaar", "ukryty",
        "ukryta", "ukryte", "скрыто", "скрыт", "скрыта", "приховано", "隐藏", "已隐藏", "是否隐藏",
        "隱藏", "非表示", "숨김", "dold", "skjult", "piilotettu", "gizli", "rejtett", "skryté",
        "skryto", "ascuns", "ẩn", "مخفي", "מוסתר", "κρυφό", "tersembunyi",
        "inaktiv", "deaktiviert", "nicht sichtbar", "inactif", "inactive", "désactivé",
        "désactivée", "hors ligne", "non visible", "inactivo", "inactiva", "desactivado",
        "deshabilitado", "no visible", "inativo", "inativa", "desativado", "disattivato",
        "disattivo", "inattivo", "non attivo", "non visibile", "inactief", "niet actief",
        "niet zichtbaar", "nieaktywny", "nieaktywne", "nieaktywna", "niewidoczny", "неактивен",
        "неактивно", "неактивна", "отключено", "отключен", "заблокирован", "заблокировано",
        "скрыть", "скрытый", "скрытая", "禁用", "已禁用", "停用", "下架", "已下架", "屏蔽",
        "已屏蔽", "是否屏蔽", "不显示", "不可见", "無効", "비노출", "미노출", "미게시", "블라인드",
        "pasif", "gizlendi", "neaktivní", "skrytý",
    ),
}  # fmt: skip
"""By reason: what a column that hides questions is called, or what it says."""
SHOWN = _names(
    "sichtbar, freigegeben, freigeschaltet, öffentlich, veröffentlicht, publié, publiée,"
    " approuvé, approuvée, validé, publicado, publicada, aprobado, aprobada, público,"
    " pública, visível, aprovado, aprovada, pubblicato, approvato, pubblico, visibile,"
    " zichtbaar, gepubliceerd, goedgekeurd, openbaar, widoczny, opublikowany,"
    " zatwierdzony, publiczny, opublikowane, opublikowana, zatwierdzone, widoczne, publiczne,"
    " pubblicata, approvata, visibles, publiziert, опубликована, видна,"
    " видимый, видимо, опубликовано, опубликован, одобрено,"
    " одобрен, 公开, 公開, 是否公开, 可见, 已发布, 已审核, 公開済み, 承認, 承認済み,"
    " 공개, 공개여부, 노출여부, 公開フラグ, 是否发布, 승인,"
    " aktiv, anzeigen, actif, active, en ligne, affiché, activo, activa, mostrar, habilitado,"
    " ativo, ativa, exibir, attivo, attiva, mostra, actief, tonen, aktywny, aktywna, aktywne,"
    " pokaż, активен, активна, активно, активность, показывать, отображать, 显示, 有效, 启用,"
    " 展示, 审核, 上架, 表示, 有効, 掲載, 게시, 표시, 노출, 사용여부, aktif, onaylı, aktivní,"
    " zveřejněno, schváleno, viditelné,"
    " synlig, publicerad, godkänd, näkyvä, julkaistu, görünür, yayında"
)
"""Columns that show a question if they say yes."""
SAYS = _names(
    "estado, estatus, statut, stato, zustand, situação, toestand, stav, статус,"
    " состояние, 状态, 状態, 狀態, ステータス, 상태, durum, tila, stan,"
    " 公开状态, 公開状態, 公開設定, 显示状态, 게시상태, état, trạng thái, الحالة, סטטוס"
)
"""Columns that say in a word whether a question is shown."""
READERS = _names(
    "sichtbarkeit, visibilité, visibilidad, visibilidade, visibilità, zichtbaarheid,"
    " widoczność, видимость, 可见性, 公開範囲, synlighet, näkyvyys, görünürlük"
    ", freigabe, freigabestatus, veröffentlichungsstatus, statut de publication"
    ", estado de publicación, estado de publicação, stato di pubblicazione, publicatiestatus"
    ", status publikacji, статус публикации"
    ", zugriff, zugang, accès, acceso, acesso, accesso, toegang, dostęp, доступ, erişim, přístup"
    ", 访问权限, 可见范围, 閲覧権限, 閲覧制限, 열람권한, 공개범위, sichtbar für, visible par"
    ", visible pour, visible para, visível para, visibile a, zichtbaar voor, widoczne dla"
)
"""Columns that say who may read a question."""
APPROVERS = _names(
    "moderation, moderationsstatus, prüfstatus, modération, statut de modération, moderación,"
    " estado de moderación, estado de aprobación, moderação, estado de aprovação, moderazione,"
    " stato di approvazione, moderatiestatus, статус модерации, модерация, 审核状态, 审核结果,"
    " genehmigungsstatus, genehmigung, état d'approbation, stato approvazione, goedkeuringsstatus,"
    " status zatwierdzenia, состояние утверждения, godkännandestatus, 承認の状態,"
    " 审批状态, 審核狀態, 審査状態, 승인상태, onay durumu, stav schválení"
)
"""Columns that say whether somebody approved a question."""
APPROVED = (
    "genehmigt|geprüft|validé|approuvée?|aprobad[oa]|aprovad[oa]|approvat[oa]|goedgekeurd"
    r"|zatwierdzon\w+|одобрен\w*|прош[её]л\w*|(?:审核)?(?:已)?通过|已审核|審核通過|已審核|正常|合格"
    "|承認(?:済み?)?|승인(?:됨|완료)?|정상|onaylandı|onaylı|schválen[oý]|godkänd|godkendt"
)
"""A pattern of values of such columns for what was approved."""
NOT = "(?:noch )?nicht|non|no|não|nao|niet|nie|не|ikke|inte|ei|nu|nem|未|不|没有?"
"""Words before a state that say the contrary."""
PAST = (
    r"(?:was|were|previous(?:ly)?|former(?:ly)?|earlier|before|originally|initially|once|no longer"
    "|war|vorher|zuvor|fr[üu]her|ehemals|zun[äa]chst|nicht mehr|était|avant|auparavant|anciennement"
    "|pr[ée]c[ée]demment|ant[ée]rieurement|n'est plus|antes|anteriormente|estaba|estava|era|fue|foi"
    "|previamente|ya no|inicialmente|prima|precedentemente|in precedenza|inizialmente|eerder"
    "|voorheen|eerst|wcześniej|poprzednio|był[aoy]?|dříve|předtím|byl[aoy]?|ранее|раньше|прежде"
    "|был[аои]?|до этого|раніше|tidigare|tidligere|før|aiemmin|önceden|eskiden|önce|korábban"
    r"|anterior|trước đây|προηγουμένως|sebelumnya|سابقا|קודם)\b"
    "|之前|此前|以前|原|曾|旧|舊|元|이전|기존"
)
"""A pattern of what begins a remark about an earlier state."""
EVERYBODY = (
    "öffentlich|sichtbar|jeder|für alle|alle|publique|tous|tout le monde|p[úu]blic[oa]|todos"
    "|todo el mundo|vis[íi]vel|visibile|pubblic[oa]|tutti|publiek|openbaar|zichtbaar|iedereen"
    r"|publiczn[yae]|widoczn[yae]|wszyscy|offentlig|offentligt|synlig|alla|julkinen|kaikki|herkes"
    "|freigegeben|veröffentlicht|publiée?|publicad[oa]|pubblicat[oa]|gepubliceerd|opublikowan[yea]"
    r"|опубликован\w*|опублікован\w*|zveřejněn\w*"
    "|全員|誰でも|一般公開|전체 ?공개|모두 ?공개|任何人|所有用户|全部"
    r"|viditeln\w*|publicera[dt]|publisert|julkaistu"
    "|yayında|görünür|közzétéve|đã đăng|已发布|已發布|公開済み?|公開中|게시|표시"
    "|ja|oui|s[ií]|sì|sim|да|tak|evet|ano|是|はい|예|frei|libre|livre|liber[oa]|gratis"
    "|абсолютно все"
    "|所有人可见|所有人可見|全员|全体公開|모두|모든 사용자|гости|gäste|invités|invitados"
    "|alle nutzer"
    r"|публич\w+|видим\w+|все|всем|для всех|公开|公開|全体|所有人|공개|전체"
)
"""A pattern of values of such columns that mean everybody."""
ABOUT = _names(
        "ist, wurde, est, está, thema, frage, beitrag, sujet, pregunta, tema, pergunta, тема,"
        " вопрос, сообщение, 帖子, 问题, 主题, 是否"
    )  # fmt: skip
KEPT = _names(
    "am, von, um, grund, le, par, el, por, em, op, door, il, кем, когда, 时间, 日時, mi,"
    " mı, 여부, フラグ, 标志, 标记, 标识"
)
"""What may follow such a name: a moment, a person, a reason."""


BY = (
    "por|pelos?|pelas?|par|von|vom|durch|da|dal|dall[ao]|dai|dagli|dalle|door|przez|av|af"
    "|\\w+(?:\u043e\u043c|\u0435\u043c|\u0430\u043c\u0438)"
)
"""Words between a state and who made it so; Russian has an ending of the person instead."""


ONLY_FOR = (
    "s[oó]lo para|solamente para|solo per|(?:somente|apenas) para|nur f[uü]r"
    "|(?:seulement|uniquement) pour|r[eé]serv[eé]e?s? aux?|reservad[oa] aos?"
    "|riservat[oa] a(?:i|gli|lle)?|alleen voor|tylko dla|только для|лише для|pouze pro|kun for"
    "|endast f[oö]r"
)
"""What stands before those for whom a question is."""
_AWAITED = (
    "(?:aguardando|esperando|(?:en )?espera de|pendiente de|pendente de|in attesa di"
    r"|en attente de|warte\w* auf|wacht\w* op|oczekuj\w+ na|ожида\w+|čeká na|väntar på|venter på)"
    r" (?:\w+ )?(?:l')?(?:aprob|aprov|approv|valid|moder|revis|relec|freig|pr[üu]f|genehm"
    r"|goedk|akcep|zatw|провер|модер|одобр|schvál|godk|publi|veröff|verif)\w*"
)
"""A state of waiting for somebody's approval; who waits for an answer does not."""
OF_STATES: Mapping[str, str] = {
    "private": f"(?:{ONLY_FOR}) [^,;|]+", "unapproved": _AWAITED,
}  # fmt: skip
"""Further values of a column of states; the name of a category may begin so as well."""
_IN = "(?:(?:en|em|in|im|als|como|come|comme|nel|w|v|в|на) )?"


def said_by(reason: str) -> str:
    """Return a pattern of the names of columns that hide questions for *reason*."""
    words = "|".join(dict.fromkeys(map(plain, HIDDEN.get(reason, ())))) or "(?!)"
    return f"{words}|(?:{ONLY_FOR.replace(' ', '')})\\w+" if reason == "private" else words


def values_of(reason: str) -> str:
    """Return a pattern of the values that hide for *reason*, with and without accents."""
    words = HIDDEN.get(reason, ())
    either = "|".join(dict.fromkeys([*words, *map(_bare, words)])) or "(?!)"
    return f"{_IN}(?:{either})"


def _bare(word: str) -> str:
    parts = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(x for x in parts if not unicodedata.combining(x)))
