//! Where the packets of a track lie, in two or three bytes each: an hour of MP3 has 138,000.

use std::ops::Range;

use super::input::Input;

/// Packets in order, each of one or several ranges of the file.
#[derive(Debug, Clone, Default)]
pub struct Packets {
    /// Per range: its length, whether the packet goes on in the next one, and the way from the end of the range before.
    code: Vec<u8>,
    count: usize,
    /// What the first range's way starts from, and where the last range ends.
    origin: usize,
    end: usize,
}

/// A range of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it lies in the file.
    pub range: Range<usize>,
    /// Whether the packet ends with it.
    pub last: bool,
}

/// A place between two ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at: usize,
    end: usize,
}

const CONTINUES: u64 = 1;
const APART: u64 = 2;

impl Packets {
    /// Adds a packet of one range.
    pub fn push(&mut self, range: Range<usize>) {
        self.push_part(range, true);
    }

    /// Adds a range; the packet ends with its `last`.
    pub fn push_part(&mut self, range: Range<usize>, last: bool) {
        let way = range.start.wrapping_sub(self.end) as isize as i64;
        let flags = if last { 0 } else { CONTINUES } | if way == 0 { 0 } else { APART };
        self.put((range.len() as u64) << 2 | flags);
        if way != 0 {
            self.put((way << 1 ^ way >> 63) as u64);
        }
        self.end = range.end;
        self.count += usize::from(last);
    }

    /// Packets.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Before the first packet.
    pub fn start(&self) -> Cursor {
        Cursor { at: 0, end: self.origin }
    }

    /// The next range.
    pub fn next_part(&self, cursor: &mut Cursor) -> Option<Part> {
        let head = self.take(cursor)?;
        let way = if head & APART == 0 { 0 } else { self.take(cursor)? };
        let start = cursor.end.wrapping_add(((way >> 1) as i64 ^ -((way & 1) as i64)) as usize);
        cursor.end = start + (head >> 2) as usize;
        Some(Part { range: start..cursor.end, last: head & CONTINUES == 0 })
    }

    /// Appends the next packet's bytes, at most `limit`; false at the end, or where the file cannot be read.
    pub fn next(&self, cursor: &mut Cursor, input: &Input, limit: usize, packet: &mut Vec<u8>) -> bool {
        while let Some(Part { range, last }) = self.next_part(cursor) {
            let length = range.len().min(limit.saturating_sub(packet.len()));
            if input.append(range.start..range.start + length, packet).is_none() {
                return false;
            }
            if last {
                return true;
            }
        }
        false
    }

    /// Bytes of every packet.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        let mut cursor = self.start();
        std::iter::from_fn(move || {
            let mut length = 0;
            loop {
                let part = self.next_part(&mut cursor)?;
                length += part.range.len();
                if part.last {
                    return Some(length);
                }
            }
        })
    }

    /// The packets of a range of their numbers.
    pub fn part(&self, range: Range<usize>) -> Self {
        let (mut cursor, mut part, mut number) = (self.start(), Self::default(), 0);
        while number < range.end {
            let Some(Part { range: bytes, last }) = self.next_part(&mut cursor) else { break };
            if number >= range.start {
                part.push_part(bytes, last);
            }
            number += usize::from(last);
        }
        part
    }

    /// Drops the first `count` packets.
    pub fn drop_first(&mut self, count: usize) {
        let (mut cursor, mut dropped) = (self.start(), 0);
        while dropped < count {
            let Some(part) = self.next_part(&mut cursor) else { break };
            dropped += usize::from(part.last);
        }
        self.code.drain(..cursor.at);
        self.origin = cursor.end;
        self.count -= dropped;
    }

    /// Seven bits a byte, the lowest first.
    fn put(&mut self, mut value: u64) {
        while value > 127 {
            self.code.push(value as u8 | 128);
            value >>= 7;
        }
        self.code.push(value as u8);
    }

    fn take(&self, cursor: &mut Cursor) -> Option<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = *self.code.get(cursor.at)?;
            cursor.at += 1;
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return Some(value);
            }
        }
    }
}

impl FromIterator<Range<usize>> for Packets {
    fn from_iter<T: IntoIterator<Item = Range<usize>>>(ranges: T) -> Self {
        let mut packets = Self::default();
        ranges.into_iter().for_each(|range| packets.push(range));
        packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(packets: &Packets) -> Vec<(Range<usize>, bool)> {
        let mut cursor = packets.start();
        std::iter::from_fn(|| packets.next_part(&mut cursor).map(|part| (part.range, part.last))).collect()
    }

    #[test]
    fn ranges_come_back_as_they_went_in() {
        let wanted = [(40..457, true), (457..874, true), (900..900, true), (30..31, false), (7..70_000, true)];
        let mut packets = Packets::default();
        wanted.iter().for_each(|(range, last)| packets.push_part(range.clone(), *last));
        assert_eq!((parts(&packets), packets.len()), (wanted.to_vec(), 4));
        assert_eq!(packets.lengths().collect::<Vec<_>>(), [417, 417, 0, 69_994]);
        assert_eq!(parts(&packets.part(1..3)), wanted[1..3]);
        assert_eq!(parts(&packets.part(3..9)), wanted[3..]);
        packets.drop_first(2);
        assert_eq!((parts(&packets), packets.len()), (wanted[2..].to_vec(), 2));
        packets.push(70_000..70_001);
        packets.drop_first(2);
        assert_eq!(parts(&packets), [(70_000..70_001, true)]);
        packets.drop_first(5);
        assert!(packets.is_empty() && parts(&packets).is_empty());
    }

    #[test]
    fn an_hour_of_packets_takes_three_bytes_each() {
        let packets: Packets = (0..138_000usize).map(|number| number * 418..number * 418 + 417).collect();
        assert_eq!((packets.len(), packets.code.len()), (138_000, 138_000 * 3 - 1));
    }

    #[test]
    fn a_packet_of_several_ranges_is_read_as_one() {
        let input = Input::new(std::io::Cursor::new((0..100).collect::<Vec<u8>>())).unwrap();
        let mut packets = Packets::default();
        packets.push_part(5..7, false);
        packets.push_part(50..52, true);
        packets.push(98..103);
        let (mut cursor, mut packet) = (packets.start(), Vec::new());
        assert!(packets.next(&mut cursor, &input, 3, &mut packet));
        assert_eq!(packet, [5, 6, 50]);
        assert!(!packets.next(&mut cursor, &input, 9, &mut packet), "beyond the end of the file");
    }
}
