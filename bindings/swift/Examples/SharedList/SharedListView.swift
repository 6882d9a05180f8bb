#if canImport(SwiftUI)
import SwiftUI
import Veilfold

/// The shared list as a view, with an offline badge. Compiled where SwiftUI is.
public struct SharedListView: View {
    private let list: SharedList
    @LiveQuery private var items: [Item]
    @StateObject private var status: StatusModel
    @State private var title = ""
    @State private var problem: String?

    public init(_ list: SharedList) {
        self.list = list
        _items = LiveQuery(list.items)
        _status = StateObject(wrappedValue: StatusModel(list.space))
    }

    public var body: some View {
        VStack(alignment: .leading) {
            if let badge = status.status?.badge {
                Label(badge, systemImage: "icloud.slash").font(.footnote).foregroundColor(.secondary)
            }
            List(items) { item in
                HStack {
                    Button(item.line) { run { try await list.buy(item) } }
                    Spacer()
                    Button("+") { run { try await list.more(item) } }
                }
                .buttonStyle(.borderless)
            }
            TextField("What else?", text: $title).onSubmit {
                let added = title
                title = ""
                run { try await list.add(added) }
            }
            if let problem { Text(problem).foregroundColor(.red) }
        }
        .padding()
    }

    private func run(_ work: @escaping @Sendable () async throws -> Void) {
        Task {
            do { try await work() } catch { problem = error.localizedDescription }
        }
    }
}
#endif
