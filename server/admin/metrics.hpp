// /metrics: Prometheus' text exposition format 0.0.4. docs/operating.md has the table of names; a name that
// was published keeps its meaning.
#pragma once

#include "server/admin/observed.hpp"

namespace postern::server {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

std::string render_metrics(const observed& seen);

} // namespace postern::server
