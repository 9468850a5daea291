//! Schemas and the writes that are tried on them. Commit `n` of a script gives the revision `n` thousand.

pub(super) const STOREFRONT_TYPES: &str = r##"
# A thing for sale. `category` follows categoryId to the category it stands in.
type Product @table @export {
  id: ID @primaryKey
  name: String @indexed
  description: String
  price: Float @indexed
  categoryId: ID @indexed
  inStock: Boolean @indexed
  stockQuantity: Int
  imageUrl: String
  createdAt: String
  category: Category @relationship(from: categoryId)
}
# A shelf of the shop. `products` lists the products whose categoryId names it.
type Category @table @export {
  id: ID @primaryKey
  name: String @indexed
  description: String
  products: [Product] @relationship(to: categoryId)
}
# One line of a cart. A cart is every line with the same sessionId.
type CartItem @table @export {
  id: ID @primaryKey
  productId: ID @indexed
  sessionId: String @indexed
  quantity: Int
  addedAt: String
  product: Product @relationship(from: productId)
}
"##;

pub(super) const STOREFRONT: &str = r#"
ok  POST Category {"id":"home","name":"Home","description":"For the house: \"quotes\", 'quotes', ünïcödé 🏠, \u0001"}
ok  POST Category {"id":"toys","name":"Toys"}
ok  POST Product {"id":"p1","name":"Lamp","price":0.1,"categoryId":"home","inStock":true,"stockQuantity":3,"createdAt":"2024-08-15T10:30:00-04:00"}
ok  POST Product {"id":"p2","name":"Rug","price":0.30000000000000004,"categoryId":"home","inStock":false,"stockQuantity":0}
ok  POST Product {"id":"p3","name":"Kite","price":1e-70,"categoryId":"toys","inStock":true,"stockQuantity":2147483647}
ok  POST Product {"id":"p4","name":"Moon","price":1.7976931348623157e308,"categoryId":"none"}
ok  POST Product {"id":"p5","name":"Zügel","price":-5e-324}
ok  POST Product {"id":"p6"}
UNIQUE_constraint_failed:_Product.id  POST Product {"id":"p6","name":"again"}
0   SEED Product {"id":"p6","name":"again"}
ok  SEED Product {"id":"p7","name":"Seed","price":7}
ok  POST CartItem {"id":"c1","productId":"p1","sessionId":"s1","quantity":1}
+   POST CartItem {"id":"c2","productId":"p2","sessionId":"s1","quantity":2}
+   POST CartItem {"id":"c3","productId":"p3","sessionId":"s2","quantity":99}
UNIQUE_constraint_failed:_CartItem.id  POST CartItem {"id":"c4","productId":"p1","sessionId":"s2"}
+   POST CartItem {"id":"c1"}

ok  PUT Product {"id":"p6","name":"Put","price":6.5}
ok  PUT Product {"id":"p8","name":"Made by put","price":8}
ok  PUT Product If-Match:4000 {"id":"p2","name":"Rug","price":2.5,"categoryId":"home","inStock":false,"stockQuantity":0}
stoa:precondition  PUT Product If-Match:4000 {"id":"p2","name":"never"}
ok  PUT Product If-Match:1,2,16000 {"id":"p2","name":"Rug","price":2.5,"categoryId":"home","stockQuantity":4}
ok  PUT Product If-Match:* {"id":"p8","name":"Made by put"}
stoa:precondition  PUT Product If-Match:* {"id":"p9","name":"never"}
ok  PUT Product If-None-Match:* {"id":"p9","name":"First","price":9}
stoa:precondition  PUT Product If-None-Match:* {"id":"p9","name":"never"}
stoa:precondition  PUT Product If-None-Match:21000 {"id":"p9","name":"never"}
ok  PUT Product If-None-Match:1 {"id":"p9","name":"Second","price":9}

ok  PATCH Product/p1 {"stockQuantity":{"__op__":"add","value":-1}}
ok  PATCH Product/p1 {"price":{"__op__":"add","value":0.2},"name":"Lamp, bright","categoryId":null}
ok  PATCH Product/p8 {"stockQuantity":{"__op__":"add","value":-4},"price":{"__op__":"add","value":1e300}}
ok  PATCH Product/p1 If-Match:26000 {"categoryId":"home"}
stoa:precondition  PATCH Product/p1 If-Match:26000 {"categoryId":"never"}
stoa:precondition  PATCH Product/nobody If-Match:* {"categoryId":"never"}
0   PATCH Product/nobody {"name":"never"}
stoa:range:stockQuantity  PATCH Product/p3 {"stockQuantity":{"__op__":"add","value":1}}
stoa:range:price  PATCH Product/p4 {"price":{"__op__":"add","value":1.7976931348623157e308}}
stoa:range:price  PATCH Product/p3 {"name":"never"}
+   PATCH Product/p4 {"price":{"__op__":"add","value":1.7976931348623157e308}}
ok  PATCH Product/p4 {}

3   PATCH Product?category.name=Home|category.name=Toys {"description":"shelved"}
2   PATCH Product?category.name=Home {"description":"home"}
ok  PATCH Category?products.price=lt=0.00001 {"description":"has a cheap thing"}
ok  PATCH Category?products.inStock=true&products.price=gt=0.1 {"description":"has a dear thing in stock"}
ok  PATCH CartItem?product.category.name=Toys {"quantity":1}
3   PATCH CartItem?product.stockQuantity=gt=0 {"quantity":{"__op__":"add","value":1}}
0   PATCH CartItem?product.category.name=Nothing {"quantity":0}
stoa:range:quantity  PATCH CartItem?sessionId=s1 {"quantity":{"__op__":"add","value":2147483647}}

stoa:precondition  DELETE CartItem/c1 If-Match:1
ok  DELETE CartItem/c1 If-Match:*
0   DELETE CartItem/c1
stoa:precondition  DELETE CartItem/c1 If-Match:*
ok  DELETE CartItem?product.category.name=Home
4   DELETE Product?categoryId=null&price=gt=1
ok  DELETE CartItem?quantity=gt=0
ok  POST CartItem {"id":"c1","productId":"p1","sessionId":"s3","quantity":1}
"#;

pub(super) const CALENDAR_TYPES: &str = r##"
# A person. `timezone` is where their working hours are meant, for example Europe/Paris.
type User @table @export {
  id: ID @primaryKey
  email: String @indexed
  name: String
  timezone: String
  createdAt: String @createdTime
}
# A meeting, from startTime up to but not including endTime. Times are kept in UTC.
type Event @table @export {
  id: ID @primaryKey
  title: String @indexed
  startTime: String @indexed
  endTime: String @indexed
  organizerId: ID @indexed
  organizer: User @relationship(from: organizerId)
  attendeeIds: [ID] @indexed
  attendees: [User] @relationship(from: attendeeIds)
  status: String @indexed
  createdAt: String @createdTime
}
# Working hours of one person on one weekday (1 is Monday), as local time of day.
type Availability @table @export {
  id: ID @primaryKey
  userId: ID @indexed
  dayOfWeek: Int @indexed
  startTime: String @indexed
  endTime: String @indexed
  isAvailable: Boolean @indexed
}
"##;

pub(super) const CALENDAR: &str = r#"
ok  POST User {"id":"ana","email":"ana@example.org","name":"Ana","timezone":"Europe/Lisbon"}
+   POST User {"id":"bo","email":"bo@example.org","name":"Bo","timezone":"Asia/Tokyo"}
+   POST User {"id":"cy","email":"cy@example.org","name":"Cy"}
ok  POST Event {"id":"e1","title":"Plan","startTime":"2024-08-15T10:30:00-04:00","endTime":"2024-08-15T15:00:00Z","organizerId":"ana","attendeeIds":["bo","cy"],"status":"confirmed"}
ok  POST Event {"id":"e2","title":"Review","startTime":"2024-08-16T09:00:00Z","endTime":"2024-08-16T09:30:00Z","organizerId":"bo","attendeeIds":["ana"],"status":"tentative"}
ok  POST Event {"id":"e3","title":"Alone","startTime":"2024-12-25","endTime":"2024-12-26","organizerId":"cy","attendeeIds":[],"status":"confirmed"}
ok  POST Event {"id":"e4","title":"Nobody's"}
ok  POST Availability {"id":"a1","userId":"ana","dayOfWeek":1,"startTime":"09:00","endTime":"17:00","isAvailable":true}
+   POST Availability {"id":"a2","userId":"bo","dayOfWeek":2,"startTime":"09:00","endTime":"17:00","isAvailable":false}
ok  PATCH Event/e1 {"attendeeIds":{"__op__":"include","value":"dee"}}
ok  PATCH Event/e1 {"attendeeIds":{"__op__":"include","value":"dee"}}
ok  PATCH Event/e1 {"attendeeIds":{"__op__":"exclude","value":"cy"},"status":"moved"}
ok  PATCH Event/e3 {"attendeeIds":{"__op__":"exclude","value":"cy"}}
ok  PATCH Event/e4 {"attendeeIds":{"__op__":"include","value":"it's \"quoted\" 🦉"}}
ok  PATCH Event/e4 {"attendeeIds":{"__op__":"include","value":"second"}}
ok  PUT Event {"id":"e2","title":"Review","startTime":"2024-08-16T11:00:00+02:00","endTime":"2024-08-16T09:30:00Z","organizerId":"bo","attendeeIds":["ana","cy","ana"],"status":"confirmed"}
2   PATCH Event?attendeeIds=bo|attendeeIds=ana {"title":"Met"}
ok  PATCH Event?attendees.name=Ana {"title":"With Ana"}
2   PATCH Event?organizer.timezone!=null {"status":"zoned"}
2   PATCH Event?startTime=ge=2024-08-15T14:30:00Z&startTime=lt=2024-08-16T09:00:00.001Z {"status":"August"}
2   PATCH Event?attendeeIds!=ana&attendeeIds!=second {"status":"without Ana"}
0   PATCH Event?attendeeIds=null {"attendeeIds":[]}
ok  PATCH Availability?isAvailable=false&dayOfWeek=in=(2,3) {"isAvailable":true,"dayOfWeek":{"__op__":"add","value":1}}
ok  DELETE Event?attendees.name=Bo
ok  DELETE Event/e2
ok  DELETE Event?attendeeIds=second
ok  DELETE User?timezone=null
"#;

pub(super) const EVERYTHING: &str = r#"
"A person who writes."
type Author @table(name: "writers", cacheControl: "max-age=1") @export(name: "people") @sealed {
  id: ID @primaryKey
  name: String! @indexed
  rank: Int @indexed
  works: [Work] @relationship(to: authorIds)
  judged: [Work] @relationship(to: reviewers)
  namesakes: [Author] @relationship(from: name, to: name)
  led: [Work] @relationship(to: lead)
}
type Work @table @export {
  number: Int @primaryKey
  title: String! @indexed
  text: String
  size: Long @indexed
  pages: Int
  weight: Float @indexed
  ratio: Float
  open: Boolean @indexed
  day: Date @indexed
  due: Date
  lead: ID @indexed
  authorIds: [ID] @indexed
  reviewers: [ID]
  mentioned: [ID]
  tags: [String] @indexed
  notes: [String]
  counts: [Int] @indexed
  longs: [Long]
  doubles: [Float] @indexed
  ratios: [Float]
  flags: [Boolean] @indexed
  days: [Date] @indexed
  before: Int @indexed
  createdAt: String @createdTime
  createdOn: Date @createdTime @indexed
  updatedMs: Long @updatedTime @indexed
  updatedFloat: Float @updatedTime
  author: Author @relationship(from: lead)
  authors: [Author] @relationship(from: authorIds)
  judges: [Author] @relationship(from: reviewers)
  mentions: [Author] @relationship(from: mentioned)
  previous: Work @relationship(from: before)
  following: [Work] @relationship(to: before)
}
type Counter @table { key: Long @primaryKey value: Int! marks: [Long] @indexed }
type Bare @table @export { name: String @primaryKey }
"#;

pub(super) const EVERYTHING_WRITES: &str = r#"
ok  POST writers {"id":"ann","name":"Ann","rank":1}
ok  POST writers {"id":"bob","name":"Bob","rank":2}
ok  POST writers {"id":"bob/2","name":"Bob"}
ok  POST Work {"number":1,"title":"One","text":"a\nb","size":9223372036854775807,"pages":-2147483648,"weight":0.1,"ratio":1e-61,"open":true,"day":"2024-12-25","due":"2024-12-25T10:00:00.1234-05:00","lead":"ann","authorIds":["ann","bob"],"reviewers":["bob"],"mentioned":["ann"],"tags":["red","blue","red"],"notes":["n","it's"],"counts":[1,2,2],"longs":[9007199254740993,-9223372036854775808],"doubles":[0.1,1e-320,1e308],"ratios":[0.1],"flags":[true,false],"days":["2024-12-25","2024-12-25T10:00:00Z"]}
ok  POST Work {"title":"Numbered by the database"}
ok  POST Work {"number":-7,"title":"Below zero","size":-9223372036854775808,"weight":2.2250738585072014e-308,"ratio":-1e61,"open":false,"before":1}
ok  POST Work {"number":2147483647,"title":"Full","tags":[],"notes":[],"counts":[],"doubles":[],"flags":[],"before":2}
ok  POST Work {"number":10,"title":"%_*?\\ 'q' \"q\"","text":"日本語 🦉 \u0000 after NUL","tags":[null,"a\u0000b",""],"notes":[null],"counts":[null,3],"doubles":[null,2.5],"days":[null]}
UNIQUE_constraint_failed:_Work.number  POST Work {"number":10,"title":"again"}
ok  POST Counter {"key":1,"value":2147483647,"marks":[9007199254740993]}
ok  POST Counter {"value":0}
ok  SEED Counter {"key":9223372036854775807,"value":-1}
0   SEED Counter {"key":1,"value":5}
ok  POST Bare {"name":"only"}
ok  PUT Bare {"name":"only"}
ok  PATCH Bare/only {}
ok  PUT Work {"number":10,"title":"%_*?\\ 'q' \"q\"","text":"日本語 🦉 \u0000 after","tags":["x"],"counts":[3,4]}
ok  PUT Work {"number":10,"title":"%_*?\\ 'q' \"q\"","text":"日本語 🦉 \u0000 after","tags":["x","y"],"counts":[4],"weight":4.5}
ok  PUT Work {"number":10,"title":"Its lists stay as they are","text":"日本語 🦉 \u0000 after","tags":["x","y"],"counts":[4],"weight":4.5}
ok  PUT Work {"number":10,"title":"%_*?\\ 'q' \"q\"","text":"日本語 🦉 \u0000 after","tags":["x","y","x"],"counts":[4,4],"weight":4.5}
ok  PUT Work {"number":2,"title":"Numbered by the database"}

ok  PATCH Work/1 {"size":{"__op__":"add","value":-1},"pages":{"__op__":"add","value":1},"weight":{"__op__":"add","value":0.2},"ratio":{"__op__":"add","value":1e-61}}
ok  PATCH Work/2 {"size":{"__op__":"add","value":5},"pages":{"__op__":"add","value":6},"weight":{"__op__":"add","value":1e-300}}
ok  PATCH Work/1 {"tags":{"__op__":"include","value":"green"},"notes":{"__op__":"include","value":"green"},"counts":{"__op__":"include","value":7},"longs":{"__op__":"include","value":9223372036854775807},"doubles":{"__op__":"include","value":0.30000000000000004},"ratios":{"__op__":"include","value":1e-70},"flags":{"__op__":"include","value":true},"days":{"__op__":"include","value":"2024-12-25T05:00:00-05:00"}}
ok  PATCH Work/1 {"tags":{"__op__":"exclude","value":"red"},"notes":{"__op__":"exclude","value":"nope"},"counts":{"__op__":"exclude","value":2},"longs":{"__op__":"exclude","value":-9223372036854775808},"doubles":{"__op__":"exclude","value":1e308},"ratios":{"__op__":"exclude","value":0.1},"flags":{"__op__":"exclude","value":false},"days":{"__op__":"exclude","value":"2024-12-25"}}
ok  PATCH Work/2 {"tags":{"__op__":"include","value":null},"notes":{"__op__":"exclude","value":"x"},"flags":{"__op__":"include","value":false}}
ok  PATCH Work/2 {"tags":{"__op__":"exclude","value":null}}
cannot_store_REAL_value_in_INTEGER_column_Work.size  PATCH Work/1 {"size":{"__op__":"add","value":9223372036854775807}}
stoa:range:value  PATCH Counter/1 {"value":{"__op__":"add","value":1}}
stoa:precondition  PATCH Counter/1 If-Match:3,4 {"value":1}
ok  PATCH Counter/1 If-Match:10000 If-None-Match:3,4 {"value":1,"marks":{"__op__":"include","value":2}}
stoa:precondition  PUT Counter If-Match:* If-None-Match:30000,31000 {"key":1,"value":5}

5   PATCH Work?number!=0 {"due":"2025-01-01"}
ok  PATCH Work?number=1 {"due":null}
4   PATCH Work?number!=1 {"due":"2025-01-02"}
ok  PATCH Work?due=null {"due":"2025-01-03"}
5   PATCH Work?due!=null {"ratio":1}
2   PATCH Work?number=lt=2 {"ratio":2}
3   PATCH Work?number=le=2 {"ratio":3}
2   PATCH Work?number=gt=2 {"ratio":4}
3   PATCH Work?number=ge=2 {"ratio":5}
2   PATCH Work?number=in=(1,2,99) {"ratio":6}
0   PATCH Work?number=in=() {"ratio":7}
3   PATCH Work?number=not_in=(1,2,99) {"ratio":8}
2   PATCH Work?before=in=(1,2) {"ratio":9}
3   PATCH Work?number=between=(1,10) {"ratio":10}
ok  PATCH Work?title=sw=Nu {"ratio":11}
5   PATCH Work?title=sw= {"ratio":12}
ok  PATCH Work?title=ew=zero {"ratio":13}
ok  PATCH Work?title=ct=ow {"ratio":14}
4   PATCH Work?title=not_ct=ow {"ratio":15}
ok  PATCH Work?text=ew=after {"ratio":16}
ok  PATCH Work?text=ct=%F0%9F%A6%89 {"ratio":17}
ok  PATCH Work?title==B* {"ratio":18}
4   PATCH Work?title=not_sw=B {"ratio":19}
4   PATCH Work?title=not_ew=zero {"ratio":20}
ok  PATCH Work?open=true {"ratio":21}
4   PATCH Work?open!=true {"ratio":22}
ok  PATCH Work?weight=gt=0.3&weight=lt=0.31 {"ratio":23}
ok  PATCH Work?size=9223372036854775806 {"ratio":24}
ok  PATCH Work?day=2024-12-25 {"ratio":25}
3   PATCH Work?(number=1|number=2|number=10)&ratio!=99 {"ratio":26}
ok  PATCH Work?tags=green {"ratio":27}
4   PATCH Work?tags!=green {"ratio":28}
2   PATCH Work?tags=in=(green,y) {"ratio":29}
2   PATCH Work?tags=gt=c {"ratio":30}
ok  PATCH Work?tags=sw=gr {"ratio":31}
ok  PATCH Work?tags=ct=ee {"ratio":32}
ok  PATCH Work?tags=ew=een {"ratio":33}
ok  PATCH Work?tags=null {"ratio":34}
4   PATCH Work?tags!=null {"ratio":35}
ok  PATCH Work?notes=green {"ratio":36}
4   PATCH Work?notes=not_sw=gr {"ratio":37}
2   PATCH Work?counts=between=(1,4) {"ratio":38}
ok  PATCH Work?longs=9007199254740993 {"ratio":39}
ok  PATCH Work?doubles=lt=1e-300 {"ratio":40}
ok  PATCH Work?ratios=1e-70 {"ratio":41}
ok  PATCH Work?flags=true {"ratio":42}
ok  PATCH Work?days=2024-12-25T10:00:00Z {"ratio":43}
ok  PATCH Work?author.name=Ann {"ratio":44}
ok  PATCH Work?authors.name=Bob {"ratio":45}
ok  PATCH Work?judges.rank=2 {"ratio":46}
ok  PATCH Work?mentions.name=Ann&mentions.rank=1 {"ratio":47}
ok  PATCH Work?previous.title=One {"ratio":48}
ok  PATCH Work?following.title=Full {"ratio":49}
2   PATCH writers?works.title=One {"rank":{"__op__":"add","value":10}}
ok  PATCH writers?judged.title=One {"rank":{"__op__":"add","value":10}}
ok  PATCH writers?led.tags=green {"rank":{"__op__":"add","value":10}}
3   PATCH writers?namesakes.rank=gt=20 {"rank":{"__op__":"add","value":10}}
ok  PATCH writers?works.previous.title=One|rank=10 {"name":"Robert"}
ok  PATCH Counter?marks=9007199254740993 {"value":7}

ok  DELETE Counter?marks=2&value=7
ok  DELETE Counter/9223372036854775807
ok  DELETE writers?works.title=One&name=Ann
ok  DELETE Work?tags=green
2   DELETE Work?tags=null|tags=y
ok  DELETE Work?flags=false
ok  DELETE Work?number=gt=0
ok  DELETE Bare/only
ok  POST Work {"title":"After the greatest number"}
"#;

/// The kinds that the attributes of a wide type take in turn.
pub(super) const KINDS: [&str; 8] = ["Float", "String", "Int", "Long", "Boolean", "Date", "[Int]", "[String]"];

/// A type with a key and attributes of these kinds, `attributes` in all.
pub(super) fn wide(kinds: &[&str], attributes: usize) -> String {
    let fields: Vec<String> = (1..attributes).map(|at| format!("  a{at}: {}", kinds[at % kinds.len()])).collect();
    format!("type Wide @table @export {{\n  id: ID @primaryKey\n{}\n}}", fields.join("\n"))
}

/// Writes of it in which every attribute has a value, then changes, then loses it.
pub(super) fn wide_writes(kinds: &[&str], attributes: usize) -> String {
    let record = |round: usize| {
        let members: Vec<String> =
            (1..attributes).map(|at| format!(",\"a{at}\":{}", value(kinds[at % kinds.len()], at + round))).collect();
        format!("{{\"id\":\"w\"{}}}", members.concat())
    };
    format!(
        "ok POST Wide {}\nok PUT Wide {}\nok PATCH Wide/w {{\"a1\":null}}\nok PUT Wide {{\"id\":\"w\"}}\nok POST Wide {}\nok DELETE Wide/w",
        record(0),
        record(1),
        record(2).replace("\"w\"", "\"v\"")
    )
}

fn value(kind: &str, seed: usize) -> String {
    match kind {
        "Float" => format!("{seed}.1e{}", [0, -320, 300, 5][seed % 4]),
        "String" => format!("\"{seed}}}}}\""),
        "Int" | "Long" => seed.to_string(),
        "Boolean" => seed.is_multiple_of(2).to_string(),
        "Date" => format!("\"2024-01-{:02}\"", seed % 28 + 1),
        "[Int]" => format!("[{seed},null]"),
        "[String]" => format!("[\"{{{seed}}}\"]"),
        other => panic!("no value of {other}"),
    }
}

pub(super) const BEFORE: &str = r"
type Product @table @export { id: ID @primaryKey name: String price: Float tags: [String] size: Int }
";

pub(super) const BEFORE_WRITES: &str = r#"
ok  POST Product {"id":"a","name":"A","price":1.5,"tags":["x","y"],"size":1}
ok  POST Product {"id":"b","name":"B","tags":["y","y"]}
ok  POST Product {"id":"c"}
"#;

pub(super) const AFTER: &str = r#"
type Product @table @export {
  id: ID @primaryKey name: String @indexed price: Float @indexed tags: [String] @indexed size: Long
  stock: Int @indexed ratio: Float notes: [String] categoryId: ID @indexed updated: Date @updatedTime
  category: Category @relationship(from: categoryId)
}
type Category @table @export { id: ID @primaryKey name: String products: [Product] @relationship(to: categoryId) }
"#;

pub(super) const AFTER_WRITES: &str = r#"
2   PATCH Product?tags=y {"stock":{"__op__":"add","value":1}}
ok  POST Category {"id":"k","name":"K"}
ok  PATCH Product/c {"categoryId":"k","tags":{"__op__":"include","value":"x"},"notes":["n"],"size":9223372036854775807}
ok  PATCH Product?category.name=K {"ratio":1e-70}
ok  DELETE Product?tags=x&stock=1
"#;

/// Every rule, of every form.
pub(super) const RULES: &str = r#"
type Event @table
  @check(expr: "places >= 0 and (room.seats is null or places <= room.seats)", name: "fits")
  @noOverlap(start: begins, end: ends, by: [roomId, guestIds], unless: "status in ('cancelled')", name: "room_free")
  @noOverlap(start: begins, end: ends, by: [deskId], capacity: 2, name: "desks")
  @noOverlap(start: begins, end: ends, by: [hallNumber], capacity: "room.seats", name: "halls") {
  id: ID @primaryKey
  code: String @unique @check(pattern: "^[A-Z]")
  places: Int @check(min: 0, max: 100)
  size: String @check(in: ["small", "it's large"])
  price: Float @check(min: 0.5)
  tags: [String] @check(in: ["a", "b"])
  begins: Date
  ends: Date
  roomId: ID @indexed
  room: Room @relationship(from: roomId, onDelete: restrict)
  guestIds: [ID]
  guests: [Guest] @relationship(from: guestIds, onDelete: setNull)
  deskId: ID
  hallNumber: Int
  status: String
  until: Date @expiresAt
  changed: String @updatedTime
}
type Room @table { id: ID @primaryKey seats: Int }
type Guest @table { id: ID @primaryKey name: String }
type Badge @table { id: ID @primaryKey guestId: ID guest: Guest @relationship(from: guestId, onDelete: cascade) }
type Line @table @unique(fields: [session, product], unless: "closed") {
  id: ID @primaryKey session: String product: ID quantity: Int closed: Boolean }
type Hold @table(expiration: 3600) @unique(fields: [slot]) { id: Long @primaryKey slot: Int until: Date @expiresAt(max: 60) }
"#;

pub(super) const RULES_WRITES: &str = r#"
ok  POST Room {"id":"r1","seats":2}
+   POST Room {"id":"r2","seats":2}
+   POST Guest {"id":"g1","name":"One"}
+   POST Guest {"id":"g2","name":"Two"}
+   POST Badge {"id":"b1","guestId":"g1"}
ok  POST Event {"id":"a","code":"A1","places":2,"size":"it's large","price":0.5,"tags":["a","b"],"begins":"2024-08-15T10:00:00Z","ends":"2024-08-15T11:00:00Z","roomId":"r1","guestIds":["g1","g2"],"deskId":"d","hallNumber":1}
stoa:rule  POST Event {"id":"x","places":-1}
stoa:rule  POST Event {"id":"x","places":101}
stoa:rule  POST Event {"id":"x","places":3,"roomId":"r1"}
stoa:rule  POST Event {"id":"x","size":"other"}
stoa:rule  POST Event {"id":"x","price":0.4}
stoa:rule  POST Event {"id":"x","tags":["a","c"]}
stoa:rule  POST Event {"id":"x","code":"A1"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T10:00:00Z"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T10:00:00Z","ends":"2024-08-15T10:00:00Z"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15","ends":"2024-08-16"}
stoa:rule  POST Event {"id":"x","until":"2001-01-01T00:00:00Z"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T10:59:59.999Z","ends":"2024-08-15T12:00:00Z","roomId":"r1"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T09:00:00Z","ends":"2024-08-15T12:00:00Z","guestIds":["nobody","g2"]}
ok  POST Event {"id":"b","code":"B1","begins":"2024-08-15T11:00:00Z","ends":"2024-08-15T12:00:00Z","roomId":"r1","guestIds":["g1"],"deskId":"d"}
ok  POST Event {"id":"c","begins":"2024-08-15T10:30:00Z","ends":"2024-08-15T11:30:00Z","roomId":"r1","status":"cancelled"}
ok  POST Event {"id":"d","begins":"2024-08-15T10:30:00Z","ends":"2024-08-15T11:30:00Z","roomId":"r2","deskId":"d","hallNumber":1}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T10:40:00Z","ends":"2024-08-15T10:50:00Z","deskId":"d"}
stoa:rule  POST Event {"id":"x","begins":"2024-08-15T10:40:00Z","ends":"2024-08-15T10:50:00Z","roomId":"r2","hallNumber":1}
stoa:rule  PATCH Event/c {"status":"confirmed"}
ok  PATCH Event/a {"begins":"2024-08-15T10:10:00Z","ends":"2024-08-15T10:50:00Z"}
stoa:rule  PATCH Event/d {"roomId":"r1","deskId":null,"hallNumber":null}
stoa:rule  PATCH Event/a {"places":{"__op__":"add","value":-3}}
ok  PATCH Event/a {"places":{"__op__":"add","value":-2},"status":"cancelled"}
ok  PATCH Event/d {"roomId":"r1","begins":"2024-08-15T10:00:00Z","ends":"2024-08-15T10:30:00Z","until":"2999-01-01T00:00:00Z"}
ok  PUT Event {"id":"a","begins":"2024-08-15T12:00:00Z","ends":"2024-08-15T13:00:00Z","roomId":"r1","guestIds":["g1","g2"]}
stoa:rule  PATCH Event?id=in=(a,b) {"begins":"2024-08-15T12:30:00Z","ends":"2024-08-15T13:00:00Z"}
stoa:referenced:0:room  DELETE Room/r1
ok  DELETE Room/r2
ok  DELETE Event/b
ok  POST Event {"id":"e","begins":"2024-08-15T11:00:00Z","ends":"2024-08-15T12:00:00Z","roomId":"r1"}
ok  MERGE Line {"id":"l1","session":"s","product":"p","quantity":1}
0   MERGE Line {"id":"l2","session":"s","product":"p","quantity":2}
0   MERGE Line {"id":"l1","quantity":3}
ok  MERGE Line {"id":"l4","session":"s","product":"q","closed":true}
ok  MERGE Line {"id":"l5","session":"s","product":"q","closed":true}
stoa:rule  PATCH Line?product=q {"closed":false}
stoa:rule  POST Hold {"id":1,"slot":1,"until":"2001-01-01T00:00:00Z"}
"#;

/// What is changed by the way, by the clock of each engine.
pub(super) const RULES_BY_THE_WAY: &str = "ok  DELETE Guest/g1";
