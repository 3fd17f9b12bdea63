#include "lathe/telemetry/metrics_page.h"

#include <fmt/format.h>

#include "lathe/telemetry/metrics_text.h"

namespace lathe::telemetry {

namespace {

void gauge(MetricsText& text, std::string_view name, std::string_view help, double value) {
  text.single(name, MetricType::kGauge, help, value);
}

void write_sessions(MetricsText& text, const protocol::VitalsReply& vitals) {
  text.family("lathe_sessions", MetricType::kGauge, "Sessions of the data root by state.");
  const protocol::SessionCounts& sessions = vitals.sessions;
  const auto of_state = [&](std::string_view state, std::int64_t number) {
    text.sample({{"state", state}}, static_cast<double>(number));
  };
  of_state("idle", sessions.idle);
  of_state("running", sessions.running);
  of_state("parked", sessions.parked);
  of_state("interrupted", sessions.interrupted);
  of_state("damaged", sessions.damaged);
  gauge(text, "lathe_open_sessions", "Sessions that are open in this process.",
        static_cast<double>(vitals.open_sessions));
  gauge(text, "lathe_open_questions", "Approvals and questions that wait for a person.",
        static_cast<double>(vitals.open_questions));
  gauge(text, "lathe_keepers", "Keepers that are alive.", static_cast<double>(vitals.keepers));
}

void write_clients(MetricsText& text, const protocol::VitalsReply& vitals) {
  gauge(text, "lathe_clients", "Clients of the engine.", static_cast<double>(vitals.clients));
  gauge(text, "lathe_queued_events", "Events that wait for clients.", static_cast<double>(vitals.queues.events));
  gauge(text, "lathe_queued_bytes", "Bytes of them.", static_cast<double>(vitals.queues.bytes));
  gauge(text, "lathe_deepest_queue_bytes", "Bytes that wait for the slowest client.",
        static_cast<double>(vitals.queues.deepest_bytes));
  gauge(text, "lathe_lagging_clients", "Clients that have fallen behind and have to subscribe again.",
        static_cast<double>(vitals.queues.lagging));
}

void write_process(MetricsText& text, const protocol::VitalsReply& vitals) {
  const protocol::ProcessVitals& process = vitals.process;
  // The first four have the names that every client library of Prometheus gives them.
  text.single("process_cpu_seconds_total", MetricType::kCounter, "Processor time of all threads.",
              static_cast<double>(process.cpu_ms) / 1e3);
  gauge(text, "process_resident_memory_bytes", "Resident memory.", static_cast<double>(process.memory_bytes));
  gauge(text, "process_open_fds", "Open descriptors.", static_cast<double>(process.open_files));
  gauge(text, "lathe_uptime_seconds", "Since the process started.", static_cast<double>(process.uptime_ms) / 1e3);
  gauge(text, "lathe_disk_free_bytes", "Free where the data root lies.", static_cast<double>(process.disk_free_bytes));
  gauge(text, "lathe_disk_size_bytes", "Size of that file system.", static_cast<double>(process.disk_size_bytes));
  gauge(text, "lathe_loop_longest_block_seconds", "For how long one thing kept the event loop busy at most.",
        static_cast<double>(vitals.longest_block_us) / 1e6);
  text.single("lathe_loop_long_blocks_total", MetricType::kCounter, "How often that was more than 50 ms.",
              static_cast<double>(vitals.long_blocks));
}

void write_syncs(MetricsText& text, const storage::SyncTimes& syncs) {
  text.family("lathe_sync_seconds", MetricType::kHistogram, "How long fdatasync took (durability: power).");
  double total = 0;
  for (std::size_t bucket = 0; bucket < storage::SyncTimes::kBounds.size(); ++bucket) {
    total += static_cast<double>(syncs.count(bucket));
    const double bound = std::chrono::duration<double>(storage::SyncTimes::kBounds.at(bucket)).count();
    text.sample({{"le", fmt::format("{}", bound)}}, total, "_bucket");
  }
  total += static_cast<double>(syncs.count(storage::SyncTimes::kBounds.size()));
  text.sample({{"le", "+Inf"}}, total, "_bucket");
  text.sample({}, std::chrono::duration<double>(syncs.total()).count(), "_sum");
  text.sample({}, total, "_count");
}

}  // namespace

std::string metrics_page(const protocol::VitalsReply& vitals, const EventCounts& counts,
                         const storage::SyncTimes& syncs, std::string_view version) {
  MetricsText text;
  text.family("lathe_build_info", MetricType::kGauge, "Which Lathe this is.");
  text.sample({{"version", version}}, 1);
  write_sessions(text, vitals);
  write_clients(text, vitals);
  counts.write(text);
  write_syncs(text, syncs);
  write_process(text, vitals);
  return text.take();
}

}  // namespace lathe::telemetry
