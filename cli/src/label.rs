//! Names that people give, and what is wrong with one.
//!
//! A name has room for 32 bytes, and people count letters: a Chinese one takes three bytes. So
//! a name that is too long is answered with how much of it fits. Rejected: cutting it, which
//! would put a name on a screen that nobody gave.

use diptych_protocol::identity::Label;
use diptych_protocol::limits::LABEL_BYTES;

/// The name, or what is wrong with it.
pub(crate) fn label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|error| {
        let got = text.len();
        if got <= LABEL_BYTES {
            return format!("{error}, got {text:?}");
        }
        let fits =
            text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= LABEL_BYTES).count();
        let letters = text.chars().count();
        let begins: String = text.chars().take(fits).collect();
        format!(
            "expected at most {LABEL_BYTES} bytes of UTF-8, got {got}: the first {fits} of its \
             {letters} characters fit, {begins:?}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_told_how_much_of_it_fits() {
        let chinese = "中央美术学院远程考试中心办公室";
        let wrong = label(chinese).unwrap_err();
        assert!(wrong.contains("at most 32 bytes of UTF-8, got 45"), "{wrong}");
        assert!(wrong.contains("the first 10 of its 15 characters fit"), "{wrong}");
        assert!(label("中央美术学院远程考试").is_ok());
        assert!(label("").unwrap_err().contains("1 to 32 bytes"));
        assert!(label("a\u{202E}b").unwrap_err().contains("control characters"));
    }
}
