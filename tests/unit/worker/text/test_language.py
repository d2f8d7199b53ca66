import errno

import pytest

from worker.text import language
from worker.text.language import language_of, other_language, warnings_of
from worker.text.normal import FOREIGN_WARNING

TEXTS = {
    "de": [
        "Wie kann ich mein Passwort im Büro zurücksetzen?",
        "Was kostet das?",
        "Rechnung stornieren",
    ],
    "es": ["¿Cómo puedo restablecer la contraseña de mi cuenta?", "¿Qué es esto?"],
    "fr": ["Comment puis-je réinitialiser mon mot de passe ?", "Mot de passe oublié"],
    "nl": ["Hoe kan ik mijn wachtwoord opnieuw instellen?"],
    "pt": ["Como faço para redefinir a minha senha?"],
    "sv": ["Hur kan jag byta mitt gamla lösenord?"],
    "tr": ["Şifremi unuttum"],
}


@pytest.mark.parametrize(
    ("text", "language"), [(text, language) for language in TEXTS for text in TEXTS[language]]
)
def test_other_languages_in_latin_letters_are_recognised(text: str, language: str) -> None:
    assert other_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "NullPointerException in com.example.Foo.bar(Foo.java:17)",
        "kubectl rollout restart deployment/web does nothing",
        "Docker container exits with code 137 on Ubuntu 22.04",
        "Is Martin O'Malley still in the race?",
        "Passwort vergessen",
        "Contraseña",
        "Reset password",
        "Best pizza Roma",
        "Café near me?",
        "sudo apt install",
        "Java vs Kotlin",
        "",
    ],
)
def test_english_code_and_what_is_too_short_to_tell_are_not(text: str) -> None:
    assert other_language(text) is None


def test_another_script_is_said_before_another_language() -> None:
    german = "Wie kann ich mein Passwort zurücksetzen?"

    assert warnings_of("日本語の質問", foreign_share=0.9) == [FOREIGN_WARNING]
    assert "seems to be de" in warnings_of(german, foreign_share=0.0)[0]
    assert warnings_of("How do I reset my password?", foreign_share=0.0) == []


@pytest.mark.parametrize(
    ("text", "foreign_share", "code"),
    [
        ("How do I reset my password?", 0.0, "en"),
        ("Wie kann ich mein Passwort zurücksetzen?", 0.0, "de"),
        ("如何重置密码", 1.0, "zh"),
        ("كيف أغير كلمة المرور", 1.0, "ar"),
        ("😀😀😀", 1.0, "und"),
        ("x" * 500, 1.0, "und"),
    ],
)
def test_every_text_has_one_language(text: str, foreign_share: float, code: str) -> None:
    assert language_of(text, foreign_share=foreign_share) == code


def test_a_detector_that_cannot_be_loaded_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    german = "Wie kann ich mein Passwort zurücksetzen?"

    def full() -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(language, "_identifier", full)

    assert warnings_of(german, foreign_share=0.0) == []
