/** The door of the control plane: organizations, projects, service accounts, keys, and who a key is. */
import { apiKeyCreate } from "./operations/api-key-create.ts";
import { apiKeyList } from "./operations/api-key-list.ts";
import { apiKeyRevoke } from "./operations/api-key-revoke.ts";
import { meGet } from "./operations/me-get.ts";
import { projectCreate } from "./operations/project-create.ts";
import { projectGet } from "./operations/project-get.ts";
import { projectList } from "./operations/project-list.ts";
import { projectUpdate } from "./operations/project-update.ts";
import { resourceDelete } from "./operations/resource-delete.ts";
import { resourceGet } from "./operations/resource-get.ts";
import { resourceList } from "./operations/resource-list.ts";
import { resourceSet } from "./operations/resource-set.ts";
import { serviceAccountCreate } from "./operations/service-account-create.ts";
import { serviceAccountList } from "./operations/service-account-list.ts";

export { openAuthenticator, principalOfAccount } from "./authenticate.ts";
export { createOrganization } from "./projects.ts";
export { isNew, raiseRevision, revision } from "./queries.ts";
export { openEntities } from "./resources/entities.ts";
export { readGroupNames } from "./resources/queries.ts";

export const operations = [
  meGet,
  projectCreate,
  projectList,
  projectGet,
  projectUpdate,
  serviceAccountCreate,
  serviceAccountList,
  apiKeyCreate,
  apiKeyList,
  apiKeyRevoke,
  resourceSet,
  resourceList,
  resourceGet,
  resourceDelete,
];
