//! "Did you mean": the known word nearest to one that is not known.

/// The word of `known` that `word` most likely means, if one is near: at most two letters added, left out, changed or
/// swapped with a neighbour (one, in words of up to four letters), upper and lower case aside.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 2)
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), *candidate))
        .filter(|(distance, candidate)| *distance <= if candidate.len() <= 4 { 1 } else { 2 })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance with neighbours swapped counting as one edit, three rows at a time.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = |x: usize, y: usize| a[x - 1].eq_ignore_ascii_case(&b[y - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(!same(i, j)));
            if i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j) {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        const KNOWN: &[&str] = &["operation", "sessionType", "fields", "scoped", "session", "id", "key"];
        for (word, meant) in [
            ("feilds", Some("fields")),
            ("field", Some("fields")),
            ("Fields", Some("fields")),
            ("sessiontype", Some("sessionType")),
            ("sesion", Some("session")),
            ("opration", Some("operation")),
            ("scopd", Some("scoped")),
            ("di", Some("id")),
            ("ky", Some("key")),
            ("timeout", None),
            ("x", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(nearest(word, KNOWN), meant, "{word}");
        }
    }
}
