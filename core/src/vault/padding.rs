//! Padmé: a length is rounded so that it tells little (at most 12 % more, O(log log n) bits leak). Nikitin et al., PETS 2019.

/// Shorter plaintexts all look alike.
const FLOOR: usize = 32;

/// The padded length.
pub(crate) fn padded(length: usize) -> usize {
    if length <= FLOOR {
        return FLOOR;
    }
    let exponent = usize::BITS - 1 - length.leading_zeros();
    let bits = u32::BITS - exponent.leading_zeros();
    let mask = (1_usize << (exponent - bits)) - 1;
    (length + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let table = [
            (0, 32),
            (1, 32),
            (32, 32),
            (33, 36),
            (36, 36),
            (37, 40),
            (64, 64),
            (65, 72),
            (100, 104),
            (1000, 1024),
            (1025, 1088),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, (1 << 20) + (1 << 15)),
        ];
        for (length, expected) in table {
            assert_eq!(padded(length), expected, "{length}");
        }
        for length in 33..5000 {
            let padded = padded(length);
            assert!(padded >= length && padded * 100 <= length * 112);
        }
    }
}
