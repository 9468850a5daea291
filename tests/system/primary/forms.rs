//! Values that SQL does not know: integers of any size, bytes, JSON, nested types; open tables and keys of several parts.

pub(super) const FORMS: &str = r#"
type Thing @table @export @open {
  id: ID @primaryKey
  big: BigInt @indexed
  bigs: [BigInt] @indexed
  plainBigs: [BigInt]
  data: Bytes @indexed
  blobs: [Bytes] @indexed
  plainBlobs: [Bytes]
  any: Any
  anys: [Any]
  home: Address
  places: [Address]
  tree: Node
  secret: String @hidden @indexed
}
type Address { city: String! zip: Int lines: [String] since: Date account: BigInt mark: Bytes extra: Any price: Float geo: Geo }
type Geo @open { lat: Float lon: Float }
type Node { name: String children: [Node] }
type Line @table @export { key: [ID]! @primaryKey amount: Int note: String @indexed tags: [String] @indexed }
type Cell @table @export { at: [Int]! @primaryKey value: Float }
type Sale @table @export {
  id: Int @primaryKey
  price: Float
  count: Int
  name: String
  total: Float @computed(from: "price * count") @indexed
  grade: String @computed(from: "if(dear, 'dear: ', 'cheap: ') || name") @indexed
  dear: Boolean @computed(from: "total > 10")
  twice: Int @computed(from: "count * 2")
  square: Long @computed(from: "twice * twice")
}
"#;

pub(super) const FORMS_WRITES: &str = r#"
ok  POST Thing {"id":"a","big":123456789012345678901234567890,"bigs":[1,-1,9223372036854775808,null],"plainBigs":[-5,1e20],"data":"AP/+","blobs":["AA==","/w==",null],"plainBlobs":["aGk="],"any":{"b":[1.50,12345678901234567890,"x\u00e9"],"a":"2024-08-15T10:30:00-04:00"},"anys":[1,"1",null,{"a":1},[true]],"home":{"city":"Paris","zip":75001,"lines":["1, rue","2"],"since":"2024-08-15T10:30:00-04:00","account":-99999999999999999999,"mark":"AAEC","extra":{"k":[0.10]},"price":0.30000000000000004,"geo":{"lat":48.8,"more":"kept"}},"places":[{"city":"Rome","lines":["via"]},null,{"city":"Oslo","zip":150}],"tree":{"name":"root","children":[{"name":"leaf","children":[]},{"name":"2024-08-15T10:30:00-04:00"}]},"secret":"s","color":"red","size":1.50}
ok  POST Thing {"id":"b","big":-123456789012345678901234567890,"data":"","any":"text","anys":[],"home":{"city":"Rome"},"places":[]}
ok  POST Thing {"id":"c","big":0,"data":"/w==","any":12345678901234567890,"home":{"city":"Rome","zip":2,"geo":{}},"größe":{"a":"it's"}}
ok  POST Thing {"id":"d"}
UNIQUE_constraint_failed:_Thing.id  POST Thing {"id":"d","x":1}
ok  PATCH Thing/a {"color":null,"größe":[1,2],"it's":"O'Neil","size":2.50}
ok  PATCH Thing/b {"color":"blue","added":{"a":null}}
ok  PATCH Thing/c {"größe":null}
ok  PATCH Thing/d {"nothing":null}
ok  PATCH Thing/a {"big":null,"data":"AAE=","any":null,"home":{"city":"Nice"},"secret":"t"}
ok  PUT Thing {"id":"d","big":5,"color":"green"}
0   KEEP Thing {"id":"d","big":5,"color":"green"}
ok  KEEP Thing {"id":"d","big":5,"color":"green","any":[1.50]}
0   KEEP Thing {"id":"d","big":5,"color":"green","any":[1.50]}
ok  KEEP Thing {"id":"d","big":5,"color":"green"}
ok  PATCH Thing/a {"bigs":{"__op__":"include","value":100000000000000000000},"plainBigs":{"__op__":"exclude","value":100000000000000000000},"blobs":{"__op__":"include","value":"aGk="},"plainBlobs":{"__op__":"exclude","value":"aGk="},"anys":{"__op__":"include","value":{"a":2}},"places":{"__op__":"exclude","value":{"city":"Oslo","zip":150}}}
ok  PATCH Thing/a {"bigs":{"__op__":"include","value":100000000000000000000},"anys":{"__op__":"exclude","value":"1"},"places":{"__op__":"include","value":{"city":"Rome","lines":["via"]}}}

ok  PATCH Thing?big=gt=0 {"n":1}
ok  PATCH Thing?big=lt=0 {"n":2}
2   PATCH Thing?big=between=(0,1000000000000000000000) {"n":3}
2   PATCH Thing?big=in=(5,-123456789012345678901234567890) {"n":4}
ok  PATCH Thing?bigs=gt=9223372036854775808 {"n":5}
ok  PATCH Thing?plainBigs=-5 {"n":6}
ok  PATCH Thing?data==AAE= {"n":7}
ok  PATCH Thing?data==/w==|data=%2Fw%3D%3D {"n":8}
2   PATCH Thing?(data=gt=AA%3D%3D&data=lt=AP%2F%2F)|id=b {"n":9}
ok  PATCH Thing?blobs==aGk= {"n":10}
ok  PATCH Thing?blobs=ge=/w== {"n":11}
2   PATCH Thing?any=null {"n":12}
2   PATCH Thing?any!=null {"n":13}
2   PATCH Thing?home.city=Rome {"n":14}
2   PATCH Thing?home.city!=Rome {"n":15}
ok  PATCH Thing?home.zip=lt=5 {"n":16}
3   PATCH Thing?home.zip=null {"n":17}
ok  PATCH Thing?places.city=Rome {"n":18}
3   PATCH Thing?places.city!=Rome {"n":19}
ok  PATCH Thing?places.lines=sw=vi {"n":20}
0   PATCH Thing?home.geo.lat=48.8 {"n":21}
ok  PATCH Thing?tree.children.name=leaf {"n":22}
3   PATCH Thing?tree.children.children!=null {"n":22}
ok  PATCH Thing?tree.children.name=2024-08-15T14:30:00Z {"n":23}
2   PATCH Thing?home.account=null&home!=null&big!=0 {"n":24}

ok  POST Line {"key":["a","b/c"],"amount":1,"tags":["x"]}
ok  POST Line {"key":["a"],"amount":2,"note":"n"}
UNIQUE_constraint_failed:_Line.key  POST Line {"key":["a"],"amount":3}
ok  PUT Line {"key":["a","b"],"amount":4,"tags":["x","y"]}
ok  PATCH Line/a/b {"amount":{"__op__":"add","value":1}}
2   PATCH Line?key=b|tags=y|key=b/c {"note":"part"}
stoa:precondition  DELETE Line/a/b If-Match:1
ok  DELETE Line/a/b
ok  DELETE Line?tags=x
ok  POST Cell {"at":[1,2],"value":1e-300}
ok  PATCH Cell/1/2 {"value":2.5}
ok  POST Sale {"price":2.5,"count":3,"name":"a"}
ok  POST Sale {"id":7,"price":1e-70,"count":3,"name":"b"}
0   SEED Sale {"id":7}
ok  SEED Sale {"id":8,"count":1}
stoa:range:twice  POST Sale {"id":9,"count":2147483647}
ok  PUT Sale {"id":8,"price":20,"count":5,"name":"c"}
0   KEEP Sale {"id":8,"price":20,"count":5,"name":"c"}
ok  PATCH Sale/8 {"price":{"__op__":"add","value":1}}
stoa:range:twice  PATCH Sale/8 {"count":2147483647}
stoa:range:total  PATCH Sale/8 {"price":1e308}
ok  PATCH Sale?total=gt=100&dear=true&grade=sw=dear {"name":"d"}
2   PATCH Sale?dear=false {"count":0}
3   DELETE Sale?square=ge=0

2   DELETE Thing?home.city=Rome
ok  DELETE Thing?big=5
ok  DELETE Thing/a
"#;
