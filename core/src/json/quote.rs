//! Text to a JSON string and back.

use serde_json::Value;

use super::scan::plain_end;

/// Appends `text` as a JSON string, quotes and all.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    if plain_end(text.as_bytes(), 0) == text.len() {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

/// The text that a valid JSON string with escapes stands for; `None` if it holds half of a surrogate pair.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    serde_json::from_str(quoted).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, quoted) in [("a", "\"a\""), ("", "\"\""), ("a\"\\\n\u{1}é", "\"a\\\"\\\\\\n\\u0001é\"")] {
            let mut out = String::new();
            push_quoted(&mut out, text);
            assert_eq!(out, quoted);
            assert_eq!(unquote(quoted).as_deref(), Some(text));
        }
        assert_eq!(unquote("\"\\ud83d\\ude00\"").as_deref(), Some("\u{1F600}"));
        assert_eq!(unquote("\"\\ud800\""), None);
        assert_eq!(unquote("\"\\ude00\\ud83d\""), None);
    }
}
