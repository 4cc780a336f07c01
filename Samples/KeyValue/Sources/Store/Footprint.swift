/// An estimate of the memory that values take: the blocks that they have from malloc, with what malloc adds to each.
///
/// It counts what the arrays have room for, and not only what is in them. Of a list, a hash or a set it looks at a few
/// elements, and takes the others to be as long as those, so the estimate is rough if they differ much. What two keys
/// share after `COPY` counts for both of them.
enum Footprint {
  /// What malloc takes for so many bytes: it adds eight, and rounds up to sixteen. (Other systems do nearly the same.)
  static func block(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

  /// An array has a head of 32 bytes before its elements. An empty one without room has no memory.
  static func array(_ capacity: Int, of stride: Int) -> Int { capacity == 0 ? 0 : block(32 + capacity * stride) }

  /// The sum over `count` elements, if that is taken from `samples` of them, which lie at equal distances.
  static func sum(_ count: Int, samples: Int, _ footprint: (Int) -> Int) -> Int {
    if count <= samples { return (0..<count).reduce(0) { $0 + footprint($1) } }
    let seen = (0..<samples).reduce(0) { $0 + footprint($1 * (count / samples)) }
    return Int(Double(seen) / Double(samples) * Double(count))
  }

  /// The head of each object, in bytes.
  static let head = 16
}

extension [UInt8] {
  /// The bytes that this string takes beside the array itself.
  var footprint: Int { Footprint.array(capacity, of: 1) }
}

extension Store {
  /// The bytes that a key takes, with its place in the table and its value.
  func footprint(at place: Int, samples: Int) -> Int {
    let own = entries.bytesPerSlot + entries.key(at: place).footprint
    switch entries[place].value {
    case .string(let value): return own + value.footprint
    case .list(let list): return own + list.footprint(samples: samples)
    case .hash(let fields): return own + fields.footprint(samples: samples) { $0.footprint }
    case .set(let members): return own + members.footprint(samples: samples) { _ in 0 }
    }
  }
}
