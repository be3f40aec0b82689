//! Replies as they come off the wire (RESP2), in whatever pieces: what has come of a reply is kept, and not read again.

use redis::Value;

use super::decode::decimal;

/// See the module.
#[derive(Default)]
pub(super) struct Replies {
    buffer: Vec<u8>,
    /// What of the buffer has been read.
    read: usize,
    /// Arrays that have begun, the outermost first.
    open: Vec<Open>,
}

struct Open {
    values: Vec<Value>,
    missing: usize,
}

/// What has come is no reply.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed;

/// Arrays in arrays; ours are three deep.
const DEEPEST: usize = 32;
/// Room for so many values is made at once: it is the server who says how many will come.
const ROOM: usize = 1024;
/// A buffer that a large reply left behind is given back.
const KEPT: usize = 1 << 20;

impl Replies {
    /// Where to append what comes.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.read > 0 && self.read * 2 >= self.buffer.len() {
            self.buffer.drain(..self.read);
            self.read = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        &mut self.buffer
    }

    /// The next reply, once all of it has come.
    pub(super) fn next(&mut self) -> Result<Option<Value>, Malformed> {
        loop {
            let Some(value) = self.item()? else { return Ok(None) };
            let Some(mut value) = value else { continue };
            loop {
                let Some(array) = self.open.last_mut() else { return Ok(Some(value)) };
                array.values.push(value);
                array.missing -= 1;
                if array.missing > 0 {
                    break;
                }
                let Some(full) = self.open.pop() else { return Err(Malformed) };
                value = Value::Array(full.values);
            }
        }
    }

    /// One item: `None` when not all of it has come, `None` inside for an array's beginning.
    fn item(&mut self) -> Result<Option<Option<Value>>, Malformed> {
        let rest = &self.buffer[self.read..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\r') else { return Ok(None) };
        let Some(after) = rest.get(end + 1) else { return Ok(None) };
        let (&kind, line) = rest[..end].split_first().ok_or(Malformed)?;
        if *after != b'\n' {
            return Err(Malformed);
        }
        let mut length = end + 2;
        let value = match kind {
            b'$' => match size(line)? {
                None => Value::Nil,
                Some(size) => {
                    let whole = length.checked_add(size).and_then(|end| end.checked_add(2)).ok_or(Malformed)?;
                    let Some(bytes) = rest.get(length..whole) else { return Ok(None) };
                    let bytes = bytes.strip_suffix(b"\r\n").ok_or(Malformed)?;
                    length = whole;
                    Value::BulkString(bytes.to_vec())
                }
            },
            b':' => Value::Int(number(line).ok_or(Malformed)?),
            b'*' => match size(line)? {
                None => Value::Nil,
                Some(0) => Value::Array(Vec::new()),
                Some(_) if self.open.len() == DEEPEST => return Err(Malformed),
                Some(missing) => {
                    self.open.push(Open { values: Vec::with_capacity(missing.min(ROOM)), missing });
                    self.read += length;
                    return Ok(Some(None));
                }
            },
            b'+' if line == b"OK" => Value::Okay,
            b'+' => Value::SimpleString(String::from_utf8(line.to_vec()).map_err(|_| Malformed)?),
            // Of many kinds, and seldom: that is the crate's to know.
            b'-' => redis::parse_redis_value(&rest[..length]).map_err(|_| Malformed)?,
            _ => return Err(Malformed),
        };
        self.read += length;
        Ok(Some(Some(value)))
    }
}

/// `-1` is for nothing at all.
fn size(line: &[u8]) -> Result<Option<usize>, Malformed> {
    match number(line) {
        Some(-1) => Ok(None),
        Some(size) => usize::try_from(size).map(Some).map_err(|_| Malformed),
        None => Err(Malformed),
    }
}

fn number(line: &[u8]) -> Option<i64> {
    match line {
        // Most are of one digit or two.
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from((tens - b'0') * 10 + (ones - b'0'))),
        _ => decimal(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(replies: &mut Replies, bytes: &[u8]) -> Result<Vec<Value>, Malformed> {
        replies.buffer().extend_from_slice(bytes);
        std::iter::from_fn(|| replies.next().transpose()).collect()
    }

    /// As the crate reads them, at once and cut anywhere.
    #[test]
    fn replies_are_the_same_however_they_are_cut() {
        let each: [&[u8]; 12] = [
            b"+OK\r\n",
            b"+PONG\r\n",
            b":-17\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"$4\r\na\r\nb\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"*3\r\n$1\r\nx\r\n*2\r\n:1\r\n*1\r\n$-1\r\n*0\r\n",
            b"-NOSCRIPT No matching script.\r\n",
            b"-MOVED 3999 127.0.0.1:6381\r\n",
            b"*2\r\n-ERR no\r\n*1\r\n:9\r\n",
        ];
        let wanted: Vec<Value> = each.iter().map(|reply| redis::parse_redis_value(reply).unwrap()).collect();
        let all = each.concat();
        assert_eq!(read(&mut Replies::default(), &all).unwrap(), wanted);
        for cut in 0..all.len() {
            let mut replies = Replies::default();
            let mut found = read(&mut replies, &all[..cut]).unwrap();
            found.extend(read(&mut replies, &all[cut..]).unwrap());
            assert_eq!(found, wanted, "{cut}");
        }
        let mut replies = Replies::default();
        let found: Vec<Value> = all.iter().flat_map(|byte| read(&mut replies, &[*byte]).unwrap()).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_no_reply_is_told() {
        let deep = b"*1\r\n".repeat(DEEPEST + 1);
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"$x\r\n",
            b"$-2\r\n",
            b"*-2\r\n",
            b":\r\n",
            b"\r\n",
            b"+a\rb",
            b"$1\r\nabc",
            b"$18446744073709551615\r\n",
            b"$9223372036854775807\r\n",
            b"%1\r\n",
            &deep,
        ] {
            let outcome = read(&mut Replies::default(), bytes);
            let is_waiting = bytes.starts_with(b"$9") && outcome == Ok(Vec::new());
            assert!(outcome == Err(Malformed) || is_waiting, "{}", String::from_utf8_lossy(bytes));
        }
        // Of so many there is no room made before they come.
        assert_eq!(read(&mut Replies::default(), b"*9223372036854775807\r\n:1\r\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_large_reply_leaves_no_large_buffer() {
        let mut replies = Replies::default();
        let large = [&b"$3000000\r\n"[..], &[7; 3_000_000], b"\r\n"].concat();
        assert_eq!(read(&mut replies, &large).unwrap(), [Value::BulkString(vec![7; 3_000_000])]);
        assert!(replies.buffer().capacity() <= KEPT);
    }
}
