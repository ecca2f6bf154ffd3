// The command line, parsed by CLI11 from the rows. The only file that knows CLI11. A mistake in the syntax is
// exit 64 and one line.
#include "server/admin/support.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <deque>
#include <exception>
#include <map>
#include <ostream>

namespace postern::server {

namespace {

constexpr const char* default_config = "/etc/postern/postern.toml";

// An argument row taken apart.
struct argument_shape {
    std::string name;  // "ADDRESS", "--quota"
    std::string value; // "SIZE" of an option, "" of a flag; "allow|deny" of a word to be chosen
    bool is_option = false;
    bool is_optional = false;
    bool is_many = false;
};

argument_shape shape_of(std::string_view text) {
    argument_shape shape;
    shape.is_option = text.starts_with("--");
    if (const auto blank = text.find(' '); blank != std::string_view::npos) {
        shape.value = text.substr(blank + 1);
        text = text.substr(0, blank);
    }
    if (shape.is_option) {
        shape.name = text;
        shape.is_many = shape.value.ends_with("...");
        if (shape.is_many) shape.value.resize(shape.value.size() - 3);
        return shape;
    }
    shape.is_optional = text.starts_with('[');
    if (shape.is_optional) text = text.substr(1, text.size() - 2);
    shape.is_many = text.ends_with("...");
    if (shape.is_many) text.remove_suffix(3);
    shape.name = text;
    return shape;
}

std::vector<std::string> choices_of(std::string_view value) {
    std::vector<std::string> choices;
    if (value.find('|') == std::string_view::npos) return choices;
    while (!value.empty()) {
        const auto bar = std::min(value.find('|'), value.size());
        choices.emplace_back(value.substr(0, bar));
        value.remove_prefix(std::min(bar + 1, value.size()));
    }
    return choices;
}

// One argument of one command, and what the command line gave for it.
struct bound_argument {
    argument_shape shape;
    std::vector<std::string> values;
    bool flag = false;
    CLI::Option* option = nullptr; // the app's
};

struct bound_command {
    const command_row* row = nullptr;
    CLI::App* app = nullptr;              // the parent app's
    std::deque<bound_argument> arguments; // CLI11 keeps pointers into it
};

void bind(bound_argument& to, CLI::App& app, std::string_view help) {
    const std::string description(help);
    const argument_shape& shape = to.shape;
    if (shape.is_option && shape.value.empty()) {
        to.option = app.add_flag(shape.name, to.flag, description);
        return;
    }
    to.option = app.add_option(shape.name, to.values, description);
    if (!shape.is_option) to.option->required(!shape.is_optional);
    // CLI11 lets an option that fills a vector take all the words that follow, even with expected(1).
    if (!shape.is_many) to.option->expected(1)->allow_extra_args(false);
    if (shape.is_many && shape.is_option) // given again and again, each time with one word
        to.option->expected(1, CLI::detail::expected_max_vector_size)
            ->allow_extra_args(false)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (!shape.value.empty()) to.option->option_text(shape.value);
    if (const auto choices = choices_of(shape.value); !choices.empty())
        to.option->check(CLI::IsMember(choices));
}

class command_line {
  public:
    command_line() : app_("Postern, a mail server", "postern") {
        app_.require_subcommand(1);
        app_.add_option("--config", config_file_,
                        "the configuration; else $POSTERN_CONFIG, else " + std::string(default_config));
        for (const auto& row : command_rows()) add(row);
    }

    exit_code run(int argc, const char* const* argv, terminal& with) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::Success&) { // --help
            with.out << app_.help();
            return exit_code::ok;
        } catch (const CLI::ParseError& error) {
            return fail(with, exit_code::usage, "usage", std::string(error.what()) + "; see postern --help");
        }
        for (const auto& command : commands_)
            if (command.app->parsed()) return command.row->run(given(command), with);
        return fail(with, exit_code::usage, "usage", "a command is missing; see postern --help");
    }

  private:
    CLI::App& group(std::string_view name) {
        if (name.empty()) return app_;
        const auto [at, is_new] = groups_.try_emplace(std::string(name), nullptr);
        if (is_new) {
            at->second = app_.add_subcommand(at->first, "see postern " + at->first + " --help");
            at->second->require_subcommand(1)->fallthrough();
        }
        return *at->second;
    }

    void add(const command_row& row) {
        auto& command = commands_.emplace_back();
        command.row = &row;
        command.app = group(row.group).add_subcommand(std::string(row.name), std::string(row.help));
        command.app->fallthrough(); // --config may follow the command
        for (const auto& argument : row.takes) {
            auto& bound = command.arguments.emplace_back();
            bound.shape = shape_of(argument.name);
            bind(bound, *command.app, argument.help);
        }
    }

    arguments given(const bound_command& command) const {
        arguments result;
        result.config_file = config_file_;
        if (const char* variable = std::getenv("POSTERN_CONFIG");
            result.config_file.empty() && variable != nullptr)
            result.config_file = variable;
        if (result.config_file.empty()) result.config_file = default_config;
        for (const auto& argument : command.arguments)
            if (argument.option->count() > 0) result.values[argument.shape.name] = argument.values;
        return result;
    }

    CLI::App app_;
    std::string config_file_;
    std::map<std::string, CLI::App*> groups_; // app_'s
    std::deque<bound_command> commands_;
};

} // namespace

int run_command_line(int argc, const char* const* argv, terminal& with) {
    exit_code code = exit_code::software;
    try {
        command_line line;
        code = line.run(argc, argv, with);
        with.out.flush();
        if (!with.out && code == exit_code::ok)
            code = fail(with, exit_code::cant_create, "output", "can't be written");
    } catch (const std::bad_alloc&) {
        code = fail(with, exit_code::temporary, "memory", "there is not enough");
    } catch (const std::exception& error) {
        code = fail(with, exit_code::software, "internal error", error.what());
    }
    return static_cast<int>(code);
}

} // namespace postern::server
