#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lathe/base/utf8.h"
#include "lathe/formats/builder.h"
#include "lathe/formats/read.h"

// nlohmann's parser checks and unescapes; it reports no places. Its events come in the order of the tokens, and between
// tokens JSON has only blanks, commas and colons, so a cursor that steps over one token per event knows every place.

namespace lathe::formats {
namespace {

class Cursor final {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  /// The place of the next token, which is then stepped over.
  Position take() {
    while (offset_ < text_.size() && std::string_view(" \t\r\n,:").contains(text_[offset_])) step();
    const Position at = at_;
    if (offset_ == text_.size()) return at;
    const char first = text_[offset_];
    step();
    if (first == '"') {
      take_string();
    } else if (!std::string_view("{}[]").contains(first)) {
      while (offset_ < text_.size() && !std::string_view(" \t\r\n,:{}[]\"").contains(text_[offset_])) step();
    }
    return at;
  }

  [[nodiscard]] Position place_of(std::size_t byte) const {
    Cursor other(text_);
    while (other.offset_ < byte && other.offset_ < text_.size()) other.step();
    return other.at_;
  }

 private:
  void step() {
    if (text_[offset_++] == '\n') {
      at_ = {at_.line + 1, 1};
    } else {
      ++at_.column;
    }
  }
  void take_string() {
    while (offset_ < text_.size() && text_[offset_] != '"') {
      const bool escape = text_[offset_] == '\\';
      step();
      if (escape && offset_ < text_.size()) step();
    }
    if (offset_ < text_.size()) step();
  }

  std::string_view text_;
  std::size_t offset_ = 0;
  Position at_;
};

/// nlohmann's SAX interface; returning false stops the parser.
class Events final : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  Events(Builder& builder, std::string_view text) : builder_(builder), cursor_(text) {}

  bool null() override { return scalar(std::monostate{}); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<number_unsigned_t>(INT64_MAX)) return scalar(static_cast<std::int64_t>(value));
    return scalar(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool string(string_t& value) override { return scalar(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    builder_.begin_map(cursor_.take());
    return builder_.ok();
  }
  bool key(string_t& name) override {
    builder_.key(std::move(name), cursor_.take());
    return true;
  }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override {
    builder_.begin_list(cursor_.take());
    return builder_.ok();
  }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& bug) override {
    std::string reason = bug.what();
    if (const std::size_t place = reason.find(": "); place != std::string::npos) reason = reason.substr(place + 2);
    builder_.fail(cursor_.place_of(byte == 0 ? 0 : byte - 1), fmt::format("not JSON: {}", base::to_utf8(reason)));
    return false;
  }

 private:
  template <class T>
  bool scalar(T value) {
    builder_.scalar({.value = std::move(value), .at = cursor_.take()});
    return builder_.ok();
  }
  bool end() {
    cursor_.take();
    builder_.end();
    return builder_.ok();
  }

  Builder& builder_;
  Cursor cursor_;
};

}  // namespace

base::Result<Document> read_json(std::string_view text, std::string file, Limits limits) {
  Builder builder(std::move(file), limits);
  if (text.size() > limits.max_bytes) {
    builder.too_large(text.size());
    return std::move(builder).finish();
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Events events(builder, text);
  nlohmann::ordered_json::sax_parse(text, &events);
  return std::move(builder).finish();
}

}  // namespace lathe::formats
