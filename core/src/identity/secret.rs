//! HMAC secrets: as long as the hash (RFC 7518 §3.2), and not one that everybody can guess.

use jsonwebtoken::{Algorithm, DecodingKey};

use super::algorithm;
use super::key::Key;

/// The longest unit whose mere repetition is refused: all equal bytes, `secretsecret…`, `changemechangeme…`.
const LONGEST_UNIT: usize = 8;

/// Words that people lengthen with one repeated byte until the length check is content.
const WORDS: [&str; 8] = ["secret", "password", "changeme", "jwt", "key", "test", "your-256-bit-secret", "supersecret"];

/// Secrets out of specifications and tools, long enough to pass.
const PUBLISHED: [&str; 6] = [
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-384-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "your-256-bit-secretyour-256-bit-secret",
    // RFC 7515 appendix A.1 and RFC 7520 §3.5, in base64url as they are printed there.
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
];

/// The key that `secret` makes for `algorithm`, or why it makes none.
pub(super) fn admit(secret: &[u8], algorithm: Algorithm) -> Result<Key, String> {
    let Some(bytes) = algorithm::hmac_bytes(algorithm) else {
        return Err("not an HMAC algorithm: HS256, HS384 or HS512".to_owned());
    };
    if secret.len() < bytes {
        return Err(format!("the secret has {} bytes; {algorithm:?} needs at least {bytes}", secret.len()));
    }
    if is_guessable(secret) {
        return Err("the secret can be guessed: take random bytes, `openssl rand -base64 64`".to_owned());
    }
    Ok(Key::new(None, algorithm, DecodingKey::from_secret(secret), bytes, &[]))
}

fn is_guessable(secret: &[u8]) -> bool {
    let repeats = (1..=LONGEST_UNIT).any(|unit| secret.iter().zip(&secret[unit..]).all(|(a, b)| a == b));
    repeats || is_lengthened_word(secret) || is_published(secret)
}

fn is_lengthened_word(secret: &[u8]) -> bool {
    WORDS.iter().any(|word| match secret.get(..word.len()) {
        Some(led) if led.eq_ignore_ascii_case(word.as_bytes()) => {
            let rest = &secret[word.len()..];
            rest.iter().all(|byte| *byte == rest[0])
        }
        _ => false,
    })
}

fn is_published(secret: &[u8]) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    PUBLISHED
        .iter()
        .any(|text| text.as_bytes() == secret || URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes == secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(bytes: usize) -> Vec<u8> {
        let mut secret = vec![0; bytes];
        getrandom::fill(&mut secret).unwrap();
        secret
    }

    #[test]
    fn a_secret_is_as_long_as_the_hash() {
        for (algorithm, bytes) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
            assert!(admit(&random(bytes), algorithm).is_ok());
            assert!(admit(&random(bytes + 100), algorithm).is_ok());
            assert!(admit(&random(bytes - 1), algorithm).is_err());
            assert!(admit(b"", algorithm).is_err());
        }
        assert!(admit(&random(64), Algorithm::ES256).is_err());
    }

    #[test]
    fn guessable_secrets_are_refused() {
        let padded = |word: &str, with: u8| {
            let mut secret = word.as_bytes().to_vec();
            secret.resize(48, with);
            secret
        };
        let cases = [
            vec![0; 32],
            vec![b'k'; 64],
            b"abababababababababababababababab".to_vec(),
            b"secretsecretsecretsecretsecretsecret".to_vec(),
            b"12345678123456781234567812345678".to_vec(),
            padded("secret", 0),
            padded("SECRET", b'='),
            padded("password", b'!'),
            padded("your-256-bit-secret", b' '),
            b"a-string-secret-at-least-256-bits-long".to_vec(),
        ];
        for secret in cases {
            assert!(admit(&secret, Algorithm::HS256).is_err(), "{}", String::from_utf8_lossy(&secret));
        }
        assert!(is_published(PUBLISHED[4].as_bytes()));
    }

    #[test]
    fn a_refusal_never_shows_the_secret() {
        let why = admit(b"hunter2", Algorithm::HS256).err().unwrap();
        assert!(!why.contains("hunter2"), "{why}");
    }
}
