internal import VeilfoldFFI

/// What a member may do.
public enum Role: String, Sendable, Hashable, CaseIterable, Codable {
    /// Reads.
    case reader
    /// Reads and writes.
    case writer
    /// Also adds readers and writers.
    case admin
    /// Also adds admins and owners.
    case owner
}

/// A member as this device knows it.
public struct Member: Sendable, Hashable, Identifiable {
    public var id: Int64 { number }
    /// Its number in the space.
    public let number: Int64
    public let role: Role
    /// Its name, if the entry that added it said one.
    public let name: String?
    /// True for this device.
    public let isMe: Bool
}

/// What somebody who was added needs to join: a text without secrets.
public struct Ticket: Sendable {
    public let text: String
    /// Tells when the order contains the addition.
    public let receipt: Receipt
}

extension Space {
    /// Adds the holder of a contact card and gives the ticket for them. Works offline.
    ///
    /// Throws `notAllowed` when this device's role may not give that role, `invalid` for what is no card and
    /// for one that was added before.
    public func addMember(_ card: String, role: Role = .writer) async throws(VeilfoldError) -> Ticket {
        let role: MemberRole =
            switch role {
            case .reader: .reader
            case .writer: .writer
            case .admin: .admin
            case .owner: .owner
            }
        let (text, receipt) = try await answered {
            let added = try await native.addMember(card: card, role: role).added()
            return (added.ticket, added.receipt)
        }
        return Ticket(text: text, receipt: try Receipt(receipt))
    }

    /// Who is in the space, as far as this device has folded the order.
    public func members() async throws(VeilfoldError) -> [Member] {
        try await answered {
            try await native.members().members().map { member in
                let role: Role =
                    switch member.role {
                    case .reader: .reader
                    case .writer: .writer
                    case .admin: .admin
                    case .owner: .owner
                    }
                return Member(number: member.number, role: role, name: member.name, isMe: member.me)
            }
        }
    }
}
