#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/protocol/items.h"
#include "lathe/protocol/session_events.h"

// A cassette is one NDJSON file: a header line, then one line per answer from outside, in the order in which they came.
//
//   {"cassette":1,"created":1790000000000,"cwd":"/repo/demo","temp_dir":"/tmp","normalisers":["paths","times","ids","durations"]}
//   {"kind":"model","request":{…},"events":[…]}                 or "failure":{…} in place of or after the events
//   {"kind":"models","models":[…]}
//   {"kind":"tool","call_id":"…","tool":"shell","arguments":"…","output":[…],"result":{…}}
//       "begin":[{…}] beside them: the event that told of its command or its changes before it ran
//       output: [{"stream":"stdout","text":"…"}, …] or "base64", or "skipped":N for what is left out of a very long one
//       in place of output and result "refused":{…} for arguments that were, or "not_run":true for a call that was not
//       let through; "outside":true beside them for one that ran once more outside of the sandbox
//   {"kind":"value","name":"environment","value":…}              anything else that was asked of the machine or a
//   person, and what happened beside the Task
//
// Loop thread. A run that is refused before it asks a model leaves no file, and one that no model answers leaves a file
// that was there as it was: only when a model begins to answer is that replaced. From there on lines are written as
// they come, so a run that dies leaves what it had.

namespace lathe::providers::cassette {

inline constexpr std::string_view kProvider = protocol::kRecordingProvider;

struct TapeHeader {
  base::UnixMillis created = 0;
  /// Absolute folder of the run; stands for itself when requests are compared.
  std::string cwd;
  std::string temp_dir = "/tmp";
  /// Names of normalise.h that were in use; a replay uses the same.
  std::vector<std::string> normalisers;
  friend bool operator==(const TapeHeader&, const TapeHeader&) = default;
};

/// Writes a tape.
class TapeWriter final {
 public:
  /// Values that must not reach the file (keys), as far as they are known by now.
  using Secrets = std::function<std::vector<std::string>()>;
  /// A file that cannot be written is an error here; what it holds stays until begin(). Each secret becomes "[secret]"
  /// wherever it stands.
  static base::Result<std::unique_ptr<TapeWriter>> create(const std::string& path, TapeHeader header, Secrets secrets);
  /// Removes a file that it made and never began.
  ~TapeWriter();
  TapeWriter(const TapeWriter&) = delete;
  TapeWriter& operator=(const TapeWriter&) = delete;

  /// The run is one to record: replaces what the file holds. Again: does nothing.
  [[nodiscard]] base::Result<void> begin();
  /// Whether begin() is still to replace what the file held before.
  [[nodiscard]] bool replaces() const { return !begun_ && origin_ == File::kFound; }
  /// Kept back until begin().
  [[nodiscard]] base::Result<void> append(const base::Json& entry);
  /// Records something that was asked of the machine, such as its date.
  [[nodiscard]] base::Result<void> append_value(std::string_view name, const base::Json& value);

 private:
  enum class File { kMade, kFound };
  TapeWriter(std::string path, base::UniqueFd file, File origin, Secrets secrets);
  std::string path_;
  base::UniqueFd file_;
  File origin_;
  Secrets secrets_;
  bool begun_ = false;
  /// Lines from before begin().
  std::string kept_back_;
};

/// A tape that is being replayed: for each kind the entries in their order, each taken once.
class Tape final {
 public:
  /// Errors: not_found; `corrupt` with the line for what is no cassette.
  static base::Result<std::unique_ptr<Tape>> open(const std::string& path);
  static base::Result<std::unique_ptr<Tape>> parse(std::string_view text, std::string name);

  [[nodiscard]] const TapeHeader& header() const { return header_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The first model answer left whose request `fits`, so that sub-agents may ask in another order than they did; when
  /// none does, the next one. `cassette_mismatch` when the tape has no more.
  [[nodiscard]] base::Result<base::Json> take_model(const std::function<bool(const base::Json& request)>& fits);
  /// What was recorded of that call, with these arguments if there is such an entry, as a person may have changed
  /// them; `cassette_mismatch` when there is none.
  [[nodiscard]] base::Result<base::Json> take_tool(const protocol::ToolCall& call);
  /// The run of that call outside of the sandbox that stopped it; nothing when there was none.
  [[nodiscard]] std::optional<base::Json> take_outside(const protocol::ToolCall& call);
  /// The next value of that name; `cassette_mismatch` when there is none.
  [[nodiscard]] base::Result<base::Json> take_value(std::string_view name);
  /// The first value of that name that `fits`; nothing when there is none.
  [[nodiscard]] std::optional<base::Json> take_value_if(std::string_view name,
                                                        const std::function<bool(const base::Json& value)>& fits);
  /// The value of that name whose `member` is `text`, which stays; null when there is none.
  [[nodiscard]] base::Json find_value(std::string_view name, std::string_view member, std::string_view text) const;
  /// Why nothing comes after a call at which the recorded Task parked. From then on, a model answer that is asked for
  /// in vain is refused with it too.
  [[nodiscard]] base::Error ends_parked(const std::string& call_id);
  /// The model that the recorded requests name; empty when there is no request.
  [[nodiscard]] const std::string& model_name() const { return model_name_; }
  /// The recorded list of models; empty when none was asked for.
  [[nodiscard]] base::Json models() const { return models_; }
  /// How many model answers were taken.
  [[nodiscard]] std::size_t models_taken() const { return models_taken_; }

 private:
  TapeHeader header_;
  std::string name_;
  std::string model_name_;
  std::deque<base::Json> model_;
  std::deque<base::Json> tool_;
  std::deque<base::Json> value_;
  base::Json models_;
  std::size_t models_taken_ = 0;
  std::optional<base::Error> parked_;
};

}  // namespace lathe::providers::cassette
