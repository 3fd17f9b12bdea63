#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lathe/templates/functions.h"
#include "lathe/templates/letters.h"
#include "lathe/templates/print.h"

// printf: %[flags][width][.precision]verb, as Go's package fmt reads it. What does not fit is written into the text, in
// Go's words: %!d(string=a), %!d(MISSING), %!(EXTRA int=1), %!(NOVERB).

namespace lathe::templates {
namespace {

constexpr int kMaxWidth = 1'000'000;

struct Directive {
  bool minus = false;
  bool plus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  int width = -1;
  int precision = -1;
  char verb = '\0';
};

std::string_view type_name(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      return "<nil>";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float64";
    case Kind::kText:
      return "string";
    case Kind::kTime:
      return "time.Time";
    case Kind::kList:
      return "[]interface {}";
    case Kind::kMap:
      break;
  }
  return "map[string]interface {}";
}

class Formatter {
 public:
  Formatter(Heap& heap, std::string_view format, Arguments arguments)
      : heap_(heap), format_(format), arguments_(arguments) {}

  std::string format() {
    while (at_ < format_.size() && !heap_.exhausted()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) directive();
      heap_.fits(out_.size());
    }
    extra();
    return std::move(out_);
  }

 private:
  void directive() {
    Directive what;
    flags(what);
    number(what, what.width, /*is_width=*/true);
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      what.precision = 0;
      number(what, what.precision, /*is_width=*/false);
    }
    if (at_ >= format_.size()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Letter verb = letter_at(format_, at_);
    const std::string_view written = format_.substr(at_, verb.bytes);
    at_ += verb.bytes;
    what.verb = verb.code < 0x80 ? static_cast<char>(verb.code) : '\0';
    if (what.verb == '%') {
      out_ += '%';
    } else if (next_ >= arguments_.size()) {
      out_ += fmt::format("%!{}(MISSING)", written);
    } else {
      const Value& value = arguments_[next_++];
      if (what.verb == 'T') {
        pad(what, std::string(type_name(value)));
      } else {
        write(what, written, value, kMaxValueDepth);
      }
    }
  }

  void flags(Directive& what) {
    for (; at_ < format_.size(); ++at_) {
      const char c = format_[at_];
      if (c == '-') {
        what.minus = true;
      } else if (c == '+') {
        what.plus = true;
      } else if (c == '#') {
        what.sharp = true;
      } else if (c == ' ') {
        what.space = true;
      } else if (c == '0') {
        what.zero = true;
      } else {
        break;
      }
    }
  }

  void number(Directive& what, int& out, bool is_width) {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      return star(what, out, is_width);
    }
    int value = -1;
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      value = std::min(std::max(value, 0) * 10 + (format_[at_] - '0'), kMaxWidth);
    }
    if (value >= 0) out = value;
  }

  void star(Directive& what, int& out, bool is_width) {
    const Value* const value = next_ < arguments_.size() ? &arguments_[next_++] : nullptr;
    const bool fits = value != nullptr && value->kind == Kind::kInt && value->whole <= kMaxWidth &&
                      value->whole >= (is_width ? -kMaxWidth : 0);
    if (!fits) {
      out_ += is_width ? "%!(BADWIDTH)" : "%!(BADPREC)";
      return;
    }
    if (value->whole < 0) what.minus = true;
    out = static_cast<int>(value->whole < 0 ? -value->whole : value->whole);
  }

  void pad(const Directive& what, const std::string& text) {
    std::size_t letters = 0;
    for (std::size_t at = 0; at < text.size(); at += letter_at(text, at).bytes) ++letters;
    const std::size_t width = what.width < 0 ? 0 : static_cast<std::size_t>(what.width);
    const std::size_t missing = width > letters ? width - letters : 0;
    if (!heap_.fits(out_.size() + text.size() + missing)) return;
    if (what.minus) {
      out_ += text + std::string(missing, ' ');
    } else {
      out_ += std::string(missing, ' ') + text;
    }
  }

  /// A number with its sign; zeros come between the two.
  void pad_number(const Directive& what, std::string_view sign, const std::string& digits) {
    std::string text(sign);
    const std::size_t width = what.width < 0 ? 0 : static_cast<std::size_t>(what.width);
    if (what.zero && !what.minus && width > sign.size() + digits.size() && heap_.fits(width)) {
      text.append(width - sign.size() - digits.size(), '0');
    }
    pad(what, text + digits);
  }

  static std::string_view sign_of(const Directive& what, bool negative) {
    if (negative) return "-";
    return what.plus ? "+" : what.space ? " " : "";
  }

  void bad(std::string_view verb, const Value& value) {
    if (value.absent()) {
      out_ += fmt::format("%!{}(<nil>)", verb);
      return;
    }
    out_ += fmt::format("%!{}({}=", verb, type_name(value));
    append_printed(heap_, out_, value);
    out_ += ')';
  }

  void write(const Directive& what, std::string_view verb, const Value& value, int depth) {
    if (depth == 0) heap_.too_deep();
    if (!heap_.spend(1) || !heap_.fits(out_.size())) return;
    switch (value.kind) {
      case Kind::kMissing:
      case Kind::kNil:
        return what.verb == 'v' ? pad(what, "<nil>") : bad(verb, value);
      case Kind::kBool:
        if (what.verb != 't' && what.verb != 'v') return bad(verb, value);
        return pad(what, value.whole != 0 ? "true" : "false");
      case Kind::kInt:
        return whole(what, verb, value);
      case Kind::kFloat:
        return real(what, verb, value);
      case Kind::kTime:
        if (what.verb != 's' && what.verb != 'v') return bad(verb, value);
        return pad(what, printed(heap_, value));
      case Kind::kText:
        return text(what, verb, value);
      case Kind::kList:
        return list(what, verb, value, depth - 1);
      case Kind::kMap:
        return map(what, verb, value, depth - 1);
    }
  }

  void list(const Directive& what, std::string_view verb, const Value& value, int depth) {
    out_ += '[';
    for (std::size_t i = 0; i < size_of(value) && !heap_.exhausted(); ++i) {
      if (i > 0) out_ += ' ';
      write(what, verb, item_of(value, i), depth);
    }
    out_ += ']';
  }

  void map(const Directive& what, std::string_view verb, const Value& value, int depth) {
    out_ += "map[";
    bool first = true;
    for (const auto& [name, member] : members_of(value)) {
      if (heap_.exhausted()) return;
      if (!first) out_ += ' ';
      first = false;
      write(what, verb, text_value(name), depth);
      out_ += ':';
      write(what, verb, member, depth);
    }
    out_ += ']';
  }

  void whole(const Directive& what, std::string_view verb, const Value& value) {
    const bool negative = value.whole < 0;
    const auto magnitude =
        negative ? ~static_cast<std::uint64_t>(value.whole) + 1 : static_cast<std::uint64_t>(value.whole);
    std::string digits;
    switch (what.verb) {
      case 'v':
      case 'd':
        digits = fmt::format("{}", magnitude);
        break;
      case 'b':
        digits = fmt::format("{:b}", magnitude);
        break;
      case 'o':
      case 'O':
        digits = fmt::format("{}{:o}", what.verb == 'O' ? "0o" : what.sharp ? "0" : "", magnitude);
        break;
      case 'x':
        digits = fmt::format("{}{:x}", what.sharp ? "0x" : "", magnitude);
        break;
      case 'X':
        digits = fmt::format("{}{:X}", what.sharp ? "0X" : "", magnitude);
        break;
      case 'c':
      case 'q':
      case 'U':
        return character(what, magnitude > 0x10ffff || negative ? 0xfffd : static_cast<char32_t>(magnitude));
      default:
        return bad(verb, value);
    }
    const auto least = what.precision < 0 ? 0 : static_cast<std::size_t>(what.precision);
    if (digits.size() < least && heap_.fits(least)) digits.insert(0, least - digits.size(), '0');
    Directive padded = what;
    padded.zero = what.zero && what.precision < 0;
    pad_number(padded, sign_of(what, negative), digits);
  }

  void character(const Directive& what, char32_t code) {
    std::string out;
    if (what.verb == 'U') return pad(what, fmt::format("U+{:04X}", static_cast<unsigned>(code)));
    append_letter(out, code);
    if (what.verb == 'c') return pad(what, out);
    if (code == '"') return pad(what, "'\"'");
    if (code == '\'') return pad(what, "'\\''");
    const std::string quoted = go_quoted(out);
    pad(what, "'" + quoted.substr(1, quoted.size() - 2) + "'");
  }

  void real(const Directive& what, std::string_view verb, const Value& value) {
    static constexpr std::string_view kVerbs = "vgGeEfF";
    if (what.verb == '\0' || kVerbs.find(what.verb) == std::string_view::npos) return bad(verb, value);
    const char shape = what.verb == 'v' ? 'g' : what.verb == 'F' ? 'f' : what.verb;
    const int usual = shape == 'g' || shape == 'G' ? -1 : 6;
    std::string digits = go_float(value.real, shape, what.precision < 0 ? usual : what.precision);
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.erase(0, 1);
    Directive padded = what;
    padded.zero = what.zero && digits.front() >= '0' && digits.front() <= '9';
    pad_number(padded, sign_of(what, negative), digits);
  }

  void text(const Directive& what, std::string_view verb, const Value& value) {
    std::string out(value.text);
    if (what.precision >= 0 && what.verb != 'x' && what.verb != 'X') out = first_letters(out, what.precision);
    switch (what.verb) {
      case 's':
        return pad(what, out);
      case 'v':
        return pad(what, what.sharp ? go_quoted(out) : out);
      case 'q':
        if (what.sharp && out.find_first_of("`\r") == std::string::npos) return pad(what, "`" + out + "`");
        return pad(what, go_quoted(out));
      case 'x':
      case 'X': {
        if (!heap_.fits(2 * out.size())) return;
        std::string hex;
        for (const char c : out) {
          const auto byte = static_cast<unsigned char>(c);
          hex += what.verb == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
        }
        return pad(what, hex);
      }
      default:
        return bad(verb, value);
    }
  }

  static std::string first_letters(std::string_view text, int count) {
    std::size_t at = 0;
    for (; at < text.size() && count > 0; --count) at += letter_at(text, at).bytes;
    return std::string(text.substr(0, at));
  }

  void extra() {
    if (next_ >= arguments_.size() || heap_.exhausted()) return;
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < arguments_.size(); ++i) {
      if (i > next_) out_ += ", ";
      if (arguments_[i].absent()) {
        out_ += "<nil>";
        continue;
      }
      out_ += type_name(arguments_[i]);
      out_ += '=';
      append_printed(heap_, out_, arguments_[i]);
    }
    out_ += ')';
  }

  Heap& heap_;
  std::string_view format_;
  Arguments arguments_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

base::Result<Value> format_call(Heap& heap, Arguments arguments) {
  return heap.text(Formatter(heap, arguments[0].text, arguments.subspan(1)).format());
}

}  // namespace lathe::templates
