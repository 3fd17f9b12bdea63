#include "lathe/formats/node.h"

namespace lathe::formats {

const Node* Node::find(std::string_view key) const {
  const Map* members = map();
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string_view Node::kind_name() const {
  struct Namer {
    std::string_view operator()(std::monostate) const { return "nothing"; }
    std::string_view operator()(bool) const { return "true or false"; }
    std::string_view operator()(std::int64_t) const { return "a number"; }
    std::string_view operator()(double) const { return "a number"; }
    std::string_view operator()(const std::string&) const { return "text"; }
    std::string_view operator()(const List&) const { return "a list"; }
    std::string_view operator()(const Map&) const { return "a map"; }
  };
  return std::visit(Namer{}, value);
}

bool operator==(const Node& a, const Node& b) { return a.value == b.value; }
bool operator==(const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; }

}  // namespace lathe::formats
