#include "lathe/telemetry/process_vitals.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::telemetry {

namespace {

std::int64_t number_of(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The words of a file of /proc/self; behind the name of the program, which may hold anything, where it has one.
std::vector<std::string> words_of(const char* file) {
  const auto text = runtime::read_file(file);
  if (!text.ok()) return {};
  const std::string_view whole = base::trim(*text);
  const std::size_t name_end = whole.rfind(')');
  std::vector<std::string> words;
  for (const std::string_view word : base::split(whole.substr(name_end == std::string::npos ? 0 : name_end + 1), ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

std::int64_t millis_of(const timeval& time) { return time.tv_sec * 1'000LL + time.tv_usec / 1'000; }

std::int64_t cpu_millis() {
  rusage used{};
  return ::getrusage(RUSAGE_SELF, &used) == 0 ? millis_of(used.ru_utime) + millis_of(used.ru_stime) : 0;
}

std::int64_t uptime_millis() {
  /// proc(5), /proc/pid/stat: field 22, in clock ticks since the machine started; the name is field 2.
  constexpr std::size_t kStartAfterName = 22 - 3;
  const std::vector<std::string> words = words_of("/proc/self/stat");
  timespec now{};
  if (words.size() <= kStartAfterName || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  const std::int64_t began = number_of(words[kStartAfterName]) * 1'000 / std::max(::sysconf(_SC_CLK_TCK), 1L);
  return std::max<std::int64_t>(now.tv_sec * 1'000LL + now.tv_nsec / 1'000'000 - began, 0);
}

std::int64_t resident_bytes() {
  const std::vector<std::string> words = words_of("/proc/self/statm");
  return words.size() < 2 ? 0 : number_of(words[1]) * ::sysconf(_SC_PAGESIZE);
}

std::int64_t open_files() {
  std::error_code none;
  const std::filesystem::directory_iterator files("/proc/self/fd", none);
  // One of them is what they are read with.
  return none ? 0 : std::max<std::int64_t>(std::distance(begin(files), end(files)) - 1, 0);
}

}  // namespace

protocol::ProcessVitals read_process_vitals(const std::string& state_dir) {
  protocol::ProcessVitals vitals{.uptime_ms = uptime_millis(),
                                 .cpu_ms = cpu_millis(),
                                 .memory_bytes = resident_bytes(),
                                 .open_files = open_files()};
  struct statvfs disk{};
  if (::statvfs(state_dir.c_str(), &disk) == 0) {
    const auto block = static_cast<std::int64_t>(disk.f_frsize);
    vitals.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail) * block;
    vitals.disk_size_bytes = static_cast<std::int64_t>(disk.f_blocks) * block;
  }
  return vitals;
}

}  // namespace lathe::telemetry
