/// The module's types by their full names, as in `Veilfold.Transaction`, for apps in which another module has one of the
/// same name: the module's own name means the enum.
extension Veilfold {
    public typealias AnyMutator = _VeilfoldNames.TheAnyMutator
    public typealias AnyResolver = _VeilfoldNames.TheAnyResolver
    public typealias Call = _VeilfoldNames.TheCall
    public typealias Change<Document: Sendable> = _VeilfoldNames.TheChange<Document>
    public typealias Client = _VeilfoldNames.TheClient
    public typealias ClientStatus = _VeilfoldNames.TheClientStatus
    public typealias CollaborativeText = _VeilfoldNames.TheCollaborativeText
    public typealias Condition = _VeilfoldNames.TheCondition
    public typealias DocumentCollection<Document: Codable & Sendable> = _VeilfoldNames.TheDocumentCollection<Document>
    public typealias DocumentKey = _VeilfoldNames.TheDocumentKey
    public typealias Durability = _VeilfoldNames.TheDurability
    public typealias Event = _VeilfoldNames.TheEvent
    public typealias EventStream = _VeilfoldNames.TheEventStream
    public typealias Fate = _VeilfoldNames.TheFate
    public typealias FateStream = _VeilfoldNames.TheFateStream
    public typealias FieldPath = _VeilfoldNames.TheFieldPath
    public typealias KeyStore = _VeilfoldNames.TheKeyStore
    public typealias KeyStoreError = _VeilfoldNames.TheKeyStoreError
    public typealias ListElement<Element: Sendable> = _VeilfoldNames.TheListElement<Element>
    public typealias LiveChanges<Document: Codable & Sendable> = _VeilfoldNames.TheLiveChanges<Document>
    public typealias LiveDocument<Document: Codable & Sendable> = _VeilfoldNames.TheLiveDocument<Document>
    public typealias LiveRows<Document: Codable & Sendable> = _VeilfoldNames.TheLiveRows<Document>
    public typealias Member = _VeilfoldNames.TheMember
    public typealias Module = _VeilfoldNames.TheModule
    public typealias Mutator<Arguments: Codable & Sendable> = _VeilfoldNames.TheMutator<Arguments>
    public typealias Position = _VeilfoldNames.ThePosition
    public typealias Receipt = _VeilfoldNames.TheReceipt
    public typealias Refusal = _VeilfoldNames.TheRefusal
    public typealias Rejection = _VeilfoldNames.TheRejection
    public typealias Resolver = _VeilfoldNames.TheResolver
    public typealias Role = _VeilfoldNames.TheRole
    public typealias Row<Document: Sendable> = _VeilfoldNames.TheRow<Document>
    public typealias SettledFate = _VeilfoldNames.TheSettledFate
    public typealias Space = _VeilfoldNames.TheSpace
    public typealias SpaceStatus = _VeilfoldNames.TheSpaceStatus
    public typealias Splice = _VeilfoldNames.TheSplice
    public typealias StatusStream = _VeilfoldNames.TheStatusStream
    public typealias StoreLocation = _VeilfoldNames.TheStoreLocation
    public typealias Ticket = _VeilfoldNames.TheTicket
    public typealias Transacted<Answer: Sendable> = _VeilfoldNames.TheTransacted<Answer>
    public typealias Transaction = _VeilfoldNames.TheTransaction
    public typealias Value = _VeilfoldNames.TheValue
    public typealias VeilfoldError = _VeilfoldNames.TheVeilfoldError
    public typealias VeilfoldLog = _VeilfoldNames.TheVeilfoldLog
}

#if canImport(Combine)
extension Veilfold {
    public typealias LiveModel<Document: Codable & Sendable> = _VeilfoldNames.TheLiveModel<Document>
    public typealias LivePublisher<Document: Codable & Sendable> = _VeilfoldNames.TheLivePublisher<Document>
    public typealias StatusModel = _VeilfoldNames.TheStatusModel
}
#endif

#if canImport(Security)
extension Veilfold {
    public typealias KeychainKeyStore = _VeilfoldNames.TheKeychainKeyStore
}
#endif

#if canImport(SwiftUI)
extension Veilfold {
    public typealias LiveQuery<Document: Codable & Sendable> = _VeilfoldNames.TheLiveQuery<Document>
}
#endif

/// What ``Veilfold/Veilfold`` takes its names from; apps do not need it. Inside of the enum its own names come first.
public enum _VeilfoldNames {
    public typealias TheAnyMutator = AnyMutator
    public typealias TheAnyResolver = AnyResolver
    public typealias TheCall = Call
    public typealias TheChange<Document: Sendable> = Change<Document>
    public typealias TheClient = Client
    public typealias TheClientStatus = ClientStatus
    public typealias TheCollaborativeText = CollaborativeText
    public typealias TheCondition = Condition
    public typealias TheDocumentCollection<Document: Codable & Sendable> = DocumentCollection<Document>
    public typealias TheDocumentKey = DocumentKey
    public typealias TheDurability = Durability
    public typealias TheEvent = Event
    public typealias TheEventStream = EventStream
    public typealias TheFate = Fate
    public typealias TheFateStream = FateStream
    public typealias TheFieldPath = FieldPath
    public typealias TheKeyStore = KeyStore
    public typealias TheKeyStoreError = KeyStoreError
    public typealias TheListElement<Element: Sendable> = ListElement<Element>
    public typealias TheLiveChanges<Document: Codable & Sendable> = LiveChanges<Document>
    public typealias TheLiveDocument<Document: Codable & Sendable> = LiveDocument<Document>
    public typealias TheLiveRows<Document: Codable & Sendable> = LiveRows<Document>
    public typealias TheMember = Member
    public typealias TheModule = Module
    public typealias TheMutator<Arguments: Codable & Sendable> = Mutator<Arguments>
    public typealias ThePosition = Position
    public typealias TheReceipt = Receipt
    public typealias TheRefusal = Refusal
    public typealias TheRejection = Rejection
    public typealias TheResolver = Resolver
    public typealias TheRole = Role
    public typealias TheRow<Document: Sendable> = Row<Document>
    public typealias TheSettledFate = SettledFate
    public typealias TheSpace = Space
    public typealias TheSpaceStatus = SpaceStatus
    public typealias TheSplice = Splice
    public typealias TheStatusStream = StatusStream
    public typealias TheStoreLocation = StoreLocation
    public typealias TheTicket = Ticket
    public typealias TheTransacted<Answer: Sendable> = Transacted<Answer>
    public typealias TheTransaction = Transaction
    public typealias TheValue = Value
    public typealias TheVeilfoldError = VeilfoldError
    public typealias TheVeilfoldLog = VeilfoldLog
}

#if canImport(Combine)
extension _VeilfoldNames {
    public typealias TheLiveModel<Document: Codable & Sendable> = LiveModel<Document>
    public typealias TheLivePublisher<Document: Codable & Sendable> = LivePublisher<Document>
    public typealias TheStatusModel = StatusModel
}
#endif

#if canImport(Security)
extension _VeilfoldNames {
    public typealias TheKeychainKeyStore = KeychainKeyStore
}
#endif

#if canImport(SwiftUI)
extension _VeilfoldNames {
    public typealias TheLiveQuery<Document: Codable & Sendable> = LiveQuery<Document>
}
#endif
