#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/chain/chain.h"
#include "lathe/chain/fields.h"
#include "lathe/chain/finding.h"
#include "lathe/formats/decode.h"
#include "lathe/formats/node.h"

// Reads maps of a workflow file into the structs of chain.h, by their field lists. Everything that is wrong becomes a
// finding with its place. For the loaders only.

namespace lathe::chain {

/// What all readers of one file share.
struct Reading {
  Findings& findings;
  std::shared_ptr<const std::string> source;
  Dialect dialect = Dialect::kLathe;

  [[nodiscard]] templates::Syntax syntax() const {
    return dialect == Dialect::kVix ? templates::Syntax::kDollar : templates::Syntax::kBraces;
  }
  void wrong_kind(const formats::Node& node, std::string_view expected, std::string hint = "");
  void missing(Position at, std::string_view what, std::string_view name, std::string hint = "");
};

/// A value of the file as JSON.
[[nodiscard]] base::Json json_of(const formats::Node& node);

bool read_value(const formats::Node& node, std::string& out, Reading& reading);
bool read_value(const formats::Node& node, bool& out, Reading& reading);
bool read_value(const formats::Node& node, std::int64_t& out, Reading& reading);
bool read_value(const formats::Node& node, double& out, Reading& reading);
/// "1h30m"; in contenox's files also Go's "1.5s", and nanoseconds as a number.
bool read_value(const formats::Node& node, std::chrono::milliseconds& out, Reading& reading);
bool read_value(const formats::Node& node, templates::Template& out, Reading& reading);
bool read_value(const formats::Node& node, base::Json& out, Reading& reading);
bool read_value(const formats::Node& node, Session& out, Reading& reading);
bool read_value(const formats::Node& node, Join& out, Reading& reading);
/// Numbers, true and false are taken as they would be written.
bool read_loose(const formats::Node& node, templates::Template& out, Reading& reading);

template <class T>
bool read_given(const formats::Node& node, Given<T>& out, Reading& reading) {
  if (!read_value(node, out.value, reading)) return false;
  out.at = node.at;
  out.from = Given<T>::From::kFile;
  return true;
}

template <class T>
inline constexpr bool kIsGiven = false;
template <class T>
inline constexpr bool kIsGiven<Given<T>> = true;

/// One map, field by field. A visitor of fields.h. Lives no longer than `node` and `reading`.
class Reader final {
 public:
  Reader(const formats::Node& node, Reading& reading) : node_(node), reading_(reading) {
    if (node.map() == nullptr && !node.is_null()) reading.wrong_kind(node, "a map");
  }

  /// The value as it is, or nullptr; the key counts as known. What is null is not there.
  const formats::Node* take(std::string_view name);
  /// Reports the keys that nobody asked for. Those of `elsewhere` are known, but do nothing here.
  void finish(const std::vector<std::string>& elsewhere = {}, std::string_view where = "");

  template <class T>
  void value(std::string_view name, Given<T>& out, std::string_view = "") {
    if (const formats::Node* found = take(name)) read_given(*found, out, reading_);
  }
  void loose(std::string_view name, Text& out, std::string_view = "") {
    const formats::Node* found = take(name);
    if (found == nullptr || !read_loose(*found, out.value, reading_)) return;
    out.at = found->at;
    out.from = Text::From::kFile;
  }
  template <class T>
  void special(std::string_view name, Given<T>& out, std::string_view = "") {
    value(name, out);
  }
  template <class T>
  void choice(std::string_view name, Given<T>& out, std::span<const std::string_view> words, std::string_view = "") {
    const formats::Node* found = take(name);
    const std::size_t index = found == nullptr ? words.size() : index_of(*found, name, words);
    if (index == words.size()) return;
    out = {.value = static_cast<T>(index), .at = found->at, .from = Given<T>::From::kFile};
  }
  template <class T>
  void object(std::string_view name, Given<T>& out, std::string_view = "") {
    const formats::Node* found = take(name);
    if (found == nullptr) return;
    out.at = found->at;
    out.from = Given<T>::From::kFile;
    read_map(*found, out.value);
  }
  void object(std::string_view name, Transition& out, std::string_view = "");
  template <class T>
  void list(std::string_view name, std::vector<T>& out, std::string_view = "") {
    if (const formats::Node* found = take(name)) read_list(*found, out);
  }
  template <class T>
  void listed(std::string_view name, Given<std::vector<T>>& out, std::string_view = "") {
    const formats::Node* found = take(name);
    if (found == nullptr || !read_list(*found, out.value)) return;
    out.at = found->at;
    out.from = Given<std::vector<T>>::From::kFile;
  }
  void named(std::string_view name, std::vector<NamedText>& out, std::string_view = "");
  void named(std::string_view name, std::vector<ToolPolicy>& out, std::string_view = "");
  void named(std::string_view name, std::vector<Input>& out, std::string_view = "");

 private:
  /// `words.size()` with a finding for none of them.
  std::size_t index_of(const formats::Node& node, std::string_view name, std::span<const std::string_view> words);
  const formats::Node::Map* members_of(std::string_view name);

  template <class T>
  void read_map(const formats::Node& node, T& out) {
    Reader reader(node, reading_);
    fields(reader, out);
    reader.finish();
  }
  /// Tasks and branches are more than their fields: load.cc defines these.
  void read_map(const formats::Node& node, Task& out);
  void read_map(const formats::Node& node, Branch& out);

  template <class T>
  bool read_list(const formats::Node& node, std::vector<T>& out) {
    if (node.list() == nullptr) {
      reading_.wrong_kind(node, "a list");
      return false;
    }
    for (const formats::Node& element : *node.list()) {
      if constexpr (kIsGiven<T>) {
        read_given(element, out.emplace_back(), reading_);
      } else {
        T& item = out.emplace_back();
        item.at = element.at;
        read_map(element, item);
      }
    }
    return true;
  }

  const formats::Node& node_;
  Reading& reading_;
  std::vector<std::string> known_;
};

/// The names of the fields of a struct.
class FieldNames final {
 public:
  std::vector<std::string> names;

  template <class T>
  void value(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void loose(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void special(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void choice(std::string_view name, T&, std::span<const std::string_view>, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void object(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void list(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void listed(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
  template <class T>
  void named(std::string_view name, T&, std::string_view) {
    names.emplace_back(name);
  }
};

/// vix's `workflows`; load_vix.cc.
[[nodiscard]] std::vector<Chain> read_vix(const formats::Node& root, const std::string& file, Reading& reading);

}  // namespace lathe::chain
