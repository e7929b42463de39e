import Testing

@testable import PrizePlugins

@Suite struct PostgresAddressTests {
  @Test(arguments: [
    ("postgres://localhost/prizes", "postgres://localhost/prizes"),
    ("postgresql://worker:s3cret@db.internal:6432/prizes?sslmode=verify-full", "postgres://db.internal:6432/prizes"),
    ("postgres://worker@db.internal/prizes?password=s3cret", "postgres://db.internal/prizes"),
    ("postgres://w:s3cret@db1:5433,db2/prizes?target_session_attrs=read-write", "postgres://db1:5433,db2/prizes"),
    ("postgres://w:s3cret@[::1]:5432/prizes", "postgres://[::1]:5432/prizes"),
    ("postgres:///prizes?host=/run/postgresql", "postgres:///run/postgresql/prizes"),
    ("postgres:///?service=prizes", "postgres:///?service=prizes"),
    ("postgres://w:s3cret%40%2F@h/prizes", "postgres://h/prizes"),
  ])
  func showsNoMoreThanWhereItIs(_ uri: String, _ shown: String) throws {
    let database = try #require(PrizeDatabase(configurationText: uri))
    #expect(database.description == shown)
    var dumped = ""
    dump(database, to: &dumped)
    for text in ["\(database)", String(reflecting: database), dumped, "\(database.location)", "\([database])"] {
      #expect(!text.contains("s3cret"), "\(text)")
    }
  }

  /// Most are passwords that were not percent-encoded, of which libpq makes something else.
  @Test(arguments: [
    "postgres://w:s3/cret@db/prizes", "postgres://w:12/cret@db/prizes", "postgres://w:s3@cret@db/prizes",
    "postgres://w:s%zzcret@db/prizes", "postgres://db:s3cret/prizes",
    "postgres://db/prizes?sslmod=require", "postgres://db:99999/prizes", "postgres://db/prizes\0",
  ])
  func refuses(_ uri: String) {
    #expect(PostgresAddress(uri: uri) == nil)
  }

  @Test func setsWhatIsLeftOpenAndNoMore() throws {
    let address = try #require(PostgresAddress(uri: "postgres://db/prizes?connect_timeout=2"))
    let keywords = address.parameters.map(\.keyword)
    #expect(keywords.contains("tcp_user_timeout"))
    // The last one wins, and what a URI says is in there.
    #expect(keywords.last == "dbname")
    let service = try #require(PostgresAddress(uri: "postgres:///?service=prizes"))
    #expect(!service.parameters.map(\.keyword).contains("connect_timeout"))
  }
}
