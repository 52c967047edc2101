/**
 * Names of OpenTelemetry's semantic conventions whose form in Prometheus does not tell them: there a dot is an
 * underscore, as others are, and the unit is a suffix. A name that is not here is the same in both.
 */
export const CONVENTIONS: Readonly<Record<string, { name: string; unit: string }>> = {
  http_server_request_duration_seconds: { name: "http.server.request.duration", unit: "s" },
  db_client_operation_duration_seconds: { name: "db.client.operation.duration", unit: "s" },
  db_client_connection_count: { name: "db.client.connection.count", unit: "{connection}" },
  db_client_connection_max: { name: "db.client.connection.max", unit: "{connection}" },
  db_client_connection_pending_requests: {
    name: "db.client.connection.pending_requests",
    unit: "{request}",
  },
};

export const ATTRIBUTES: Readonly<Record<string, string>> = {
  http_request_method: "http.request.method",
  http_route: "http.route",
  http_response_status_code: "http.response.status_code",
  db_system_name: "db.system.name",
  db_operation_name: "db.operation.name",
  db_client_connection_state: "db.client.connection.state",
  error_type: "error.type",
};

/** Attributes that the conventions want as numbers. */
export const NUMBERS: ReadonlySet<string> = new Set(["http.response.status_code"]);
