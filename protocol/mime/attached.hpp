// Files within the octets of a part: of a TNEF, and those that stand in text (uuencode.hpp). They become
// parts themselves.
#pragma once

#include "protocol/mime/rtf.hpp"
#include "protocol/mime/tnef.hpp"
#include "protocol/mime/uuencode.hpp"
#include "protocol/mime/walk.hpp"

namespace postern::protocol::mime {

class text_files final : public sink, private uuencode_events {
  public:
    text_files(walk& shared, part_id id, unsigned depth) : shared_(shared), id_(id), depth_(depth) {}
    void feed(std::string_view octets) override { scanner_.feed(octets, *this); }
    void end() override { scanner_.finish(*this); }

  private:
    void file_begins(text_encoding how, std::string_view name) override;
    void file_octets(std::string_view decoded) override;
    void file_ends() override;

    walk& shared_;
    part_id id_, file_ = 0;
    unsigned depth_, names_ = 0;
    uuencode_scanner scanner_;
};

class tnef_files final : public sink, private tnef_events {
  public:
    // `entity` is the part that was told first of those with the same header: findings go there.
    tnef_files(walk& shared, part_id id, part_id entity, unsigned depth)
        : shared_(shared), id_(id), entity_(entity), depth_(depth), reader_(shared.bounds().name_octets) {}
    ~tnef_files() override;
    void feed(std::string_view octets) override;
    void end() override;

  private:
    void attachment_begins() override { end_attachment(); }
    void attachment_name(std::string_view raw) override;
    void data_begins(tnef_data what) override;
    void data_octets(std::string_view octets) override;
    void data_ends() override;

    bool begin_attachment();
    void end_attachment();
    void begin_message();
    std::unique_ptr<sink> begin_part(part_id alternative_of, std::string_view type, part_id& id);

    walk& shared_;
    part_id id_, entity_;
    unsigned depth_, names_ = 0;
    tnef_reader reader_;
    part_id attachment_ = 0;           // 0: none is open
    std::unique_ptr<sink> file_;       // its first octets
    std::unique_ptr<sink> other_;      // what else is told of: its further octets, or a text of the message
    std::unique_ptr<sink> message_;    // the file as a message
    sink* data_ = nullptr;             // which of them takes the data
    std::unique_ptr<rtf_decoder> rtf_; // of the data, if that is compressed
    bool has_data_ = false, is_message_ = false;
};

} // namespace postern::protocol::mime
